// The runners' own links: the output of scripts without the pods' logs.

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "tests/program/port_forward.hpp"
#include "tests/program/stage.hpp"

namespace cuttle::test {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

namespace {

class Link : public Stage {
protected:
  static bool real_cluster() {
    const auto* kind = std::getenv("CUTTLE_TEST_CLUSTER");
    return kind != nullptr && std::string{kind} == "real";
  }

  void SetUp() override {
    // A worker hands over about a megabyte each time that the server asks.
    poll_ceiling_ = 300ms;
    if (real_cluster() && !port_forward::possible())
      GTEST_SKIP() << "CUTTLE_E2E_HOST and CUTTLE_E2E_FORWARD say how pods "
                      "reach this machine";
    Stage::SetUp();
  }

  void TearDown() override {
    way_.reset();
    Stage::TearDown();
  }

  // A successor listens at the same port, as a pod behind one name would, and
  // as what leads there from pods is made once.
  void start_linked_worker() {
    if (real_cluster() && !way_)
      way_.emplace(link_port_ = unused_port(), folder_);
    start_connected_worker(
      {{"CUTTLE_LINK_HOST",
        real_cluster() ? port_forward::host() : "127.0.0.1"},
       {"CUTTLE_LINK_PORT", std::to_string(link_port_)}});
    ASSERT_TRUE(worker_->logged("runner-links-listening"));
  }

  void kill_worker() {
    worker_->process().signal(SIGKILL);
    ASSERT_TRUE(worker_->process().wait(10s));
    ASSERT_TRUE(eventually([this] { return connections_ == 0; }));
  }

  // How often the present worker has read a pod's log.
  std::string readings() {
    auto [status, text] = worker_->get("/metrics");
    EXPECT_EQ(status, 200);
    const std::string name = "\ncuttle_pod_log_readings_total ";
    auto at = text.find(name);
    if (at == std::string::npos)
      return "no such metric";
    at += name.size();
    return text.substr(at, text.find('\n', at) - at);
  }

  // Highest resident memory of the worker so far, in KiB.
  long peak_memory() {
    std::ifstream in{"/proc/" + std::to_string(worker_->process().id())
                     + "/status"};
    for (std::string word; in >> word;)
      if (word == "VmHWM:") {
        auto result = 0L;
        in >> result;
        return result;
      }
    return -1;
  }

  static strings counted(int last) {
    strings result;
    for (int i = 1; i <= last; ++i)
      result.push_back("line " + std::to_string(i));
    return result;
  }

  // Lines of 100 bytes that begin with their number.
  static void expect_burst(const sim::script_result& result, int count) {
    EXPECT_EQ(result.exit_code, 0);
    auto lines = texts(result);
    ASSERT_EQ(lines.size(), static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i)
      ASSERT_TRUE(lines[static_cast<std::size_t>(i)].starts_with(
        std::to_string(i + 1) + " "))
        << "after line " << i;
    EXPECT_EQ(texts(result, output_source::err), strings{});
  }

  static std::string burst(int count) {
    return "seq -f '%.0f "
           "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
           "abcdefghijklmnopqrstuvwxyzabcdefghijklmn' 1 "
           + std::to_string(count);
  }

  static constexpr auto counting
    = "for i in $(seq 1 100); do echo line $i; sleep 0.1; done; exit 7";

private:
  std::uint16_t link_port_ = 0;
  std::optional<port_forward> way_;
};

} // namespace

TEST_F(Link, BringsAScriptsOutputWithoutReadingThePodsLog) {
  start_linked_worker();
  auto result = run("for i in $(seq 1 500); do echo line $i; done; exit 3");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(texts(result), counted(500));
  EXPECT_EQ(readings(), "0");
}

TEST_F(Link, OfAKilledWorkerIsTakenUpByItsSuccessorWithEachLineOnce_RST01) {
  start_linked_worker();
  auto script = start(counting);
  ASSERT_TRUE(script->sees("line 10"));
  kill_worker();
  start_linked_worker();
  auto result = script->wait();
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(texts(result), counted(100));
  EXPECT_EQ(readings(), "0");
}

TEST_F(Link, LeavesTheRestInTheWorkspaceWhenNoWorkerIsThereAtTheEnd_RST04) {
  start_linked_worker();
  auto flag = home_ / "ended";
  auto script = start("echo begin; sleep 2; echo end; touch \"$1\"; exit 5",
                      {flag.string()});
  ASSERT_TRUE(script->sees("begin"));
  kill_worker();
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(flag); }));
  auto pods = [&] { return cluster_->pods(); };
  ASSERT_EQ(pods().size(), 1u);
  start_linked_worker();
  auto result = script->wait();
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_EQ(texts(result), (strings{"begin", "end"}));
}

// More than the 10 MiB after which a kubelet rotates a log.
TEST_F(Link, BringsFifteenMegabytesAtOnceWholeAndInOrder) {
  start_linked_worker();
  constexpr auto count = 150'000;
  expect_burst(run(burst(count)), count);
  EXPECT_EQ(readings(), "0");
  RecordProperty("worker_peak_kib", std::to_string(peak_memory()));
  EXPECT_GT(peak_memory(), 0);
  EXPECT_LT(peak_memory(), 64 * 1024);
}

TEST_F(Link, LosesNoLineOfABurstAlthoughTheWorkerIsKilledFiveTimes) {
  start_linked_worker();
  constexpr auto count = 200'000;
  auto script = start(burst(count));
  for (int i = 1; i <= 5; ++i) {
    ASSERT_TRUE(script->sees_at_least(count / 10 * i));
    kill_worker();
    start_linked_worker();
  }
  expect_burst(script->wait(), count);
}

} // namespace cuttle::test
