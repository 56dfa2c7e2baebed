// Outputs much larger than what a kubelet keeps. They take minutes, so they run
// on request: CUTTLE_TEST_LONG_LOGS=1.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/program/link_stage.hpp"

namespace cuttle::test {

using namespace std::chrono_literals;

namespace {

// Counts the lines of a script that numbers them, without keeping them.
class line_counter {
public:
  void add(const std::vector<output_line>& lines) {
    std::lock_guard lock{mutex_};
    for (auto& line : lines)
      if (own_(line) && line.source != output_source::debug)
        count(line);
    changed_.notify_all();
  }

  void end(const sim::script_result& result) {
    std::lock_guard lock{mutex_};
    result_ = result;
    changed_.notify_all();
  }

  bool sees_at_least(long count) {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, 300s, [&] { return ended() || next_ > count; });
    return next_ > count;
  }

  void expect_all(long count, std::chrono::seconds limit) {
    std::unique_lock lock{mutex_};
    ASSERT_TRUE(changed_.wait_for(lock, limit, [&] { return ended(); }))
      << "ended at line " << next_;
    EXPECT_EQ(result_->exit_code, 0);
    EXPECT_EQ(next_ - 1, count);
    EXPECT_EQ(trouble_, "");
  }

private:
  bool ended() const {
    return result_.has_value();
  }

  void count(const output_line& line) {
    auto expected = std::to_string(next_) + " ";
    if (line.source != output_source::out || !line.text.starts_with(expected)) {
      if (trouble_.empty())
        trouble_ = "instead of line " + expected + "came: " + line.text;
      return;
    }
    ++next_;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  own_lines own_;
  long next_ = 1;
  std::string trouble_;
  std::optional<sim::script_result> result_;
};

class VeryLongLogs : public LinkStage {
protected:
  static constexpr long line_bytes = 100;
  static constexpr long mebibyte = 1024 * 1024;

  void SetUp() override {
    if (std::getenv("CUTTLE_TEST_LONG_LOGS") == nullptr)
      GTEST_SKIP() << "CUTTLE_TEST_LONG_LOGS=1 runs it, for minutes";
    LinkStage::SetUp();
    if (IsSkipped() || HasFatalFailure())
      return;
    start_frugal_worker();
  }

  // What it requests for a script lets two hundred fit on two processors.
  void start_frugal_worker() {
    start_linked_worker({{"OCTOPUS__K8STENTACLE__PODRESOURCEJSON",
                          R"({"requests":{"cpu":"1m","memory":"16Mi"}})"}});
  }

  std::shared_ptr<line_counter> count(const std::string& body) {
    auto result = std::make_shared<line_counter>();
    start_script command;
    command.ticket = sim::make_ticket();
    command.task_id = "ServerTasks-1";
    command.script_body = body;
    sim::script_observer observer;
    observer.on_lines = [result](const std::vector<output_line>& lines,
                                 process_state) { result->add(lines); };
    observer.on_end
      = [result](const sim::script_result& end) { result->end(end); };
    server_->run(subscription_, std::move(command), std::move(observer));
    return result;
  }

  void keep_memory() {
    highest_ = std::max(highest_, peak_memory());
  }

  void expect_modest_memory() {
    keep_memory();
    RecordProperty("worker_peak_kib", std::to_string(highest_));
    std::printf("worker, highest resident memory: %ld KiB\n", highest_);
    EXPECT_GT(highest_, 0);
    EXPECT_LT(highest_, 64 * 1024);
  }

  // The worker is killed five times meanwhile.
  void expect_whole(long bytes) {
    const auto lines = bytes / line_bytes;
    auto script = count(burst(lines));
    for (long i = 1; i <= 5; ++i) {
      ASSERT_TRUE(script->sees_at_least(lines / 10 * i));
      keep_memory();
      kill_worker();
      start_frugal_worker();
    }
    script->expect_all(lines, 900s);
    expect_modest_memory();
  }

private:
  long highest_ = 0;
};

} // namespace

TEST_F(VeryLongLogs, FiveMebibytesInAMinuteComeWhole_LOG21) {
  // (900 lines a second, printed each 50 ms)
  auto script = count("n=1; for i in $(seq 1 1165); do "
                      "seq -f \"%.0f $(printf 'x%.0s' $(seq 1 93))\" "
                      "$n $((n + 44)); n=$((n + 45)); sleep 0.05; done");
  script->expect_all(1165L * 45, 240s);
  EXPECT_EQ(readings(), "0");
  expect_modest_memory();
}

TEST_F(VeryLongLogs,
       AHundredMebibytesAtOnceComeWholeAlthoughTheWorkerIsKilled_RST01) {
  expect_whole(100 * mebibyte);
}

TEST_F(VeryLongLogs, AGibibyteAtOnceComesWholeAlthoughTheWorkerIsKilled_RST01) {
  expect_whole(1024 * mebibyte);
}

// All of them run before the first one prints.
TEST_F(VeryLongLogs, OfTwoHundredPodsAtOnceComeWhole_LOG21) {
  constexpr long lines = 10'000;
  constexpr int pods = 200;
  auto here = home_ / "here";
  auto go = home_ / "go";
  std::filesystem::create_directory(here);
  std::filesystem::permissions(here, std::filesystem::perms::all);
  std::vector<std::shared_ptr<line_counter>> scripts;
  for (int i = 0; i < pods; ++i)
    scripts.push_back(count("touch '" + (here / std::to_string(i)).string()
                            + "'; until [ -e '" + go.string()
                            + "' ]; do sleep 2; done; " + burst(lines)));
  auto running = [&] {
    return std::distance(std::filesystem::directory_iterator{here}, {});
  };
  ASSERT_TRUE(eventually([&] { return running() == pods; }, 900s))
    << running() << " run\n"
    << cluster_->describe_pods();
  std::ofstream{go} << "now";
  for (auto& script : scripts)
    script->expect_all(lines, 900s);
  EXPECT_EQ(readings(), "0");
  expect_modest_memory();
}

} // namespace cuttle::test
