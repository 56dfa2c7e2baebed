// The runners' own links: the output of scripts without the pods' logs.

#include <fstream>

#include "tests/program/link_stage.hpp"
#include "tests/unit/runner_link/raw_runner.hpp"

namespace cuttle::test {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

namespace {

class Link : public LinkStage {
protected:
  static strings counted(int last) {
    strings result;
    for (int i = 1; i <= last; ++i)
      result.push_back("line " + std::to_string(i));
    return result;
  }

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

  static constexpr auto counting
    = "for i in $(seq 1 100); do echo line $i; sleep 0.1; done; exit 7";
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

TEST_F(Link, ThatCanNotBeMadeIsReplacedByThePodsLog_LOG04) {
  if (!real_cluster())
    GTEST_SKIP() << "pods of the embedded cluster reach each port";
  start_unreachable_worker();
  auto result = run(counting);
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(texts(result), counted(100));
  EXPECT_EQ(readings(), "1");
}

TEST_F(Link, WithAnotherOperationsKeyIsRefusedAndDisturbsNeither_KEY01) {
  start_linked_worker();
  auto flag = home_ / "go-on";
  const std::string waiting = "echo begin; until [ -e \"$1\" ]; do sleep 0.1; "
                              "done; echo end";
  auto one = start(waiting, {flag.string()});
  auto other = start(waiting, {flag.string()});
  ASSERT_TRUE(one->sees("begin"));
  ASSERT_TRUE(other->sees("begin"));
  {
    runner_link::test::raw_runner forger{link_port_};
    EXPECT_FALSE(forger.secure(one->ticket.task_id, key_of(*other)));
  }
  EXPECT_TRUE(
    eventually([&] { return worker_->logged("runner-link-refused"); }))
    << worker_->process().output();
  {
    runner_link::test::raw_runner genuine{link_port_};
    EXPECT_TRUE(genuine.secure(one->ticket.task_id, key_of(*one)))
      << "the forger knew everything but the key";
  }
  std::ofstream{flag} << "now";
  for (auto& script : {one, other}) {
    EXPECT_EQ(texts(script->wait()), (strings{"begin", "end"}));
  }
  EXPECT_EQ(readings(), "0");
}

// More than the 10 MiB after which a kubelet rotates a log.
TEST_F(Link, BringsFifteenMegabytesAtOnceWholeAndInOrder_LOG21) {
  start_linked_worker();
  constexpr auto count = 150'000;
  expect_burst(run(burst(count)), count);
  EXPECT_EQ(readings(), "0");
  RecordProperty("worker_peak_kib", std::to_string(peak_memory()));
  EXPECT_GT(peak_memory(), 0);
#ifndef CUTTLE_SANITIZED
  EXPECT_LT(peak_memory(), 64 * 1024);
#endif
}

TEST_F(Link, LosesNoLineOfABurstAlthoughTheWorkerIsKilledFiveTimes_RST01) {
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
