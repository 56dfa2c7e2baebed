// The API server misbehaves: scripts that run lose no line, those that start
// run once, and the server's status calls are answered throughout.

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "tests/folders.hpp"
#include "tests/program/stage.hpp"

namespace cuttle::test {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

namespace {

class ApiServer : public Stage {
protected:
  static constexpr int lines = 40;
  /// Less than the slowest of the troubles: an answer that asked the cluster
  /// would come later.
  static constexpr auto status_limit = 4s;

  void SetUp() override {
    Stage::SetUp();
    if (IsSkipped() || HasFatalFailure())
      return;
    if (!embedded())
      GTEST_SKIP() << "played by the embedded cluster";
  }

  running_script_ptr start_counting() {
    return start("for i in $(seq 1 40); do echo line $i; sleep 0.1; done; "
                 "exit 7");
  }

  static strings counted() {
    strings result;
    for (int i = 1; i <= lines; ++i)
      result.push_back("line " + std::to_string(i));
    return result;
  }

  /// The whole output, the code, and a worker that always answered.
  static void expect_whole(const sim::script_result& result) {
    EXPECT_EQ(result.trouble.code, errc::none) << result.trouble.text;
    EXPECT_EQ(result.exit_code, 7);
    EXPECT_EQ(texts(result), counted());
    expect_answered(result);
  }

  static void expect_answered(const sim::script_result& result) {
    EXPECT_EQ(result.failed_calls, 0u);
    EXPECT_GE(result.status_calls, 2u);
    EXPECT_LT(result.longest_status, status_limit);
  }

  /// Plays the trouble once a script runs, and expects it to end well.
  template <class Trouble>
  void bears(Trouble trouble, bool watch_comes_back = true) {
    start_connected_worker();
    auto script = start_counting();
    ASSERT_TRUE(script->sees("line 5"));
    trouble();
    // Whether it runs is only known by a watch that works again.
    if (watch_comes_back) {
      auto next = run("echo next");
      EXPECT_EQ(next.exit_code, 0);
      EXPECT_EQ(texts(next), strings{"next"});
      EXPECT_LT(next.longest_status, status_limit);
    }
    expect_whole(script->wait());
    EXPECT_TRUE(eventually([this] { return cluster_->pods().empty(); }));
  }

  std::ptrdiff_t calls(const std::string& begin) {
    auto all = embedded()->calls();
    return std::count_if(all.begin(), all.end(),
                         [&](const auto& x) { return x.starts_with(begin); });
  }

  /// The next requests of each kind that the worker makes while a script runs.
  void refuse_all(unsigned status, std::map<std::string, std::string> headers) {
    for (auto& [verb, resource] : {std::pair{"watch", "pods"},
                                   {"watch", "events"},
                                   {"list", "pods"},
                                   {"list", "events"},
                                   {"log", "pods"},
                                   {"delete", "pods"}})
      embedded()->refuse(verb, resource, status, "not now", 2, headers);
    embedded()->cut_watches();
    embedded()->cut_logs();
  }
};

/// The API server of the test cluster, stopped and started for real.
class RealApiServer : public ApiServer {
protected:
  void SetUp() override {
    Stage::SetUp();
    if (IsSkipped() || HasFatalFailure())
      return;
    // Set by ./dev e2e for the cluster that tests/cluster has brought up.
    if (embedded() || !std::getenv("CUTTLE_E2E_FORWARD"))
      GTEST_SKIP() << "needs the cluster of tests/cluster: ./dev e2e";
  }

  void TearDown() override {
    if (paused_)
      ctl("resume");
    Stage::TearDown();
  }

  void ctl(const std::string& what) {
    std::map<std::string, std::string> environment;
    for (auto* name : {"HOME", "CLUSTER_STATE", "CLUSTER_RUN", "CLUSTER_NAME",
                       "CLUSTER_CACHE", "CLUSTER_API_PORT"})
      if (auto* value = std::getenv(name))
        environment[name] = value;
    process command{{tests_folder() + "/cluster/ctl", what, "kube-apiserver"},
                    environment,
                    folder_ / "ctl.log"};
    EXPECT_EQ(command.wait(90s), 0) << command.output();
    paused_ = what == "pause";
  }

private:
  bool paused_ = false;
};

} // namespace

TEST_F(RealApiServer, ThatIsFrozenHoldsNoStatusCallUpAndLosesNoLine) {
  start_connected_worker();
  auto script = start("for i in $(seq 1 40); do echo line $i; sleep 0.5; done; "
                      "exit 7");
  ASSERT_TRUE(script->sees("line 5", 120s));
  ctl("pause");
  // (the trouble itself, well within the node's grace period of 40 s)
  std::this_thread::sleep_for(10s);
  ctl("resume");
  expect_whole(script->wait(180s));
  EXPECT_TRUE(eventually([this] { return cluster_->pods().empty(); }, 60s));
}

TEST_F(RealApiServer, ThatRestartsHoldsNoStatusCallUpAndLosesNoLine) {
  start_connected_worker();
  auto script = start("for i in $(seq 1 40); do echo line $i; sleep 0.5; done; "
                      "exit 7");
  ASSERT_TRUE(script->sees("line 5", 120s));
  ctl("restart");
  expect_whole(script->wait(180s));
  EXPECT_TRUE(eventually([this] { return cluster_->pods().empty(); }, 180s))
    << "(a kubelet may take a minute to find the server again)";
}

TEST_F(ApiServer, ThatForgetsItsHistoryIsListedAnew_MON02) {
  bears([this] {
    auto before = calls("list pods");
    embedded()->compact();
    EXPECT_TRUE(eventually([&] { return calls("list pods") > before; }));
  });
}

TEST_F(ApiServer, ThatHasTooMuchToDoIsAskedLater) {
  bears([this] { refuse_all(429, {{"Retry-After", "1"}}); });
}

TEST_F(ApiServer, ThatFailsIsAskedAgain) {
  bears([this] { refuse_all(500, {}); });
}

TEST_F(ApiServer, ThatIsNotAvailableIsAskedAgain) {
  bears([this] { refuse_all(503, {}); });
}

TEST_F(ApiServer, ThatRefusesACreationForAWhileGetsItOnceMore) {
  start_connected_worker();
  embedded()->refuse("create", "pods", 429, "too many requests", 2,
                     {{"Retry-After", "1"}});
  auto result = start_counting()->wait();
  expect_whole(result);
  EXPECT_EQ(calls("create pods"), 3);
}

// The worker does not know whether there is a pod now; the server asks again.
TEST_F(ApiServer, ThatFailsDuringACreationRunsTheScriptOnce_RPC01) {
  start_connected_worker();
  embedded()->refuse("create", "pods", 500, "etcdserver: request timed out", 1);
  auto result = start_counting()->wait();
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(texts(result), counted());
  EXPECT_EQ(calls("create pods"), 2);
  EXPECT_LT(result.longest_status, status_limit);
  EXPECT_TRUE(eventually([this] { return cluster_->pods().empty(); }));
}

TEST_F(ApiServer, ThatLosesTheAnswerToACreationHasOnePodAllTheSame_RPC01) {
  start_connected_worker();
  embedded()->lose_answers("create", "pods", 1);
  auto result = start_counting()->wait();
  expect_whole(result);
  EXPECT_TRUE(eventually([this] { return cluster_->pods().empty(); }));
}

TEST_F(ApiServer, ThatCutsWatchesLosesNoChange) {
  bears([this] {
    for (int i = 0; i < 3; ++i) {
      auto before = calls("watch pods");
      embedded()->cut_watches();
      ASSERT_TRUE(eventually([&] { return calls("watch pods") > before; }));
    }
  });
}

TEST_F(ApiServer, ThatCutsLogsLosesNoLine_LOG04) {
  bears([this] {
    for (int i = 0; i < 3; ++i) {
      auto before = calls("log pods");
      embedded()->cut_logs();
      ASSERT_TRUE(eventually([&] { return calls("log pods") > before; }));
    }
  });
}

// The end is in the log as well as in the pod's status.
TEST_F(ApiServer, WhoseWatchesFallSilentHoldsNoRunningScriptUp_LOG14) {
  bears([this] { embedded()->silence_watches(true); }, false);
}

TEST_F(ApiServer, WhoseWatchesAreDeadIsWatchedAnew_MON02) {
  start_connected_worker({{"OCTOPUS__K8STENTACLE__PODMONITORTIMEOUT", "5"}});
  ASSERT_EQ(run("echo warm").exit_code, 0);
  auto before = calls("watch pods");
  embedded()->deaden_watches();
  // That its container runs is not known until then.
  auto result = start_counting()->wait(120s);
  expect_whole(result);
  EXPECT_GT(calls("watch pods"), before);
  EXPECT_TRUE(eventually([this] { return cluster_->pods().empty(); }));
}

TEST_F(ApiServer, ThatIsSlowHoldsNoStatusCallUp) {
  start_connected_worker();
  auto script = start_counting();
  ASSERT_TRUE(script->sees("line 5"));
  embedded()->slow_down(5s);
  auto late = start("for i in $(seq 1 10); do echo late; sleep 0.1; done");
  expect_whole(script->wait());
  auto result = late->wait(120s);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(texts(result).size(), 10u);
  EXPECT_EQ(result.failed_calls, 0u);
  EXPECT_LT(result.longest_status, status_limit);
}

TEST_F(ApiServer, WithoutBookmarksIsWatchedAllTheSame_MON02) {
  embedded()->withhold_bookmarks(true);
  bears([this] {
    embedded()->cut_watches();
    embedded()->compact();
  });
}

TEST_F(ApiServer, WhoseObjectsComeInAnotherOrderConfusesNoScripts) {
  embedded()->mix_up(true);
  start_connected_worker();
  std::vector<running_script_ptr> scripts;
  for (int i = 0; i < 8; ++i)
    scripts.push_back(start("for i in $(seq 1 10); do echo $1; sleep 0.1; "
                            "done; exit $1",
                            {std::to_string(i)}));
  for (int i = 0; i < 8; ++i) {
    auto result = scripts[static_cast<std::size_t>(i)]->wait();
    EXPECT_EQ(result.exit_code, i);
    EXPECT_EQ(texts(result), strings(10, std::to_string(i)));
    expect_answered(result);
    if (i == 3)
      embedded()->cut_watches();
  }
  EXPECT_TRUE(eventually([this] { return cluster_->pods().empty(); }));
}

TEST_F(ApiServer, WhoseClockIsAheadOrBehindLosesNoLine_RST04) {
  for (auto ahead : {3'600s, -3'600s}) {
    embedded()->skew_clock(ahead);
    start_connected_worker({{"OCTOPUS__K8STENTACLE__PENDINGPODSSTUCKAFTER"
                             "MINUTES",
                             "10"}});
    auto script = start_counting();
    ASSERT_TRUE(script->sees("line 10"));
    // The successor asks for the log from a time of the cluster's clock.
    worker_->process().signal(SIGKILL);
    ASSERT_TRUE(worker_->process().wait(10s));
    ASSERT_TRUE(eventually([this] { return connections_ == 0; }));
    start_connected_worker();
    auto result = script->wait();
    EXPECT_EQ(result.exit_code, 7) << ahead.count();
    EXPECT_EQ(texts(result), counted()) << ahead.count();
    EXPECT_LT(result.longest_status, status_limit);
    EXPECT_TRUE(eventually([this] { return cluster_->pods().empty(); }));
    worker_->process().signal(SIGKILL);
    ASSERT_TRUE(worker_->process().wait(10s));
    ASSERT_TRUE(eventually([this] { return connections_ == 0; }));
  }
}

} // namespace cuttle::test
