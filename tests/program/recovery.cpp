// The worker dies, stops, or loses its server: operations go on.

#include <csignal>

#include "tests/program/stage.hpp"

namespace cuttle::test {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

namespace {

class Recovery : public Stage {
protected:
  static strings counted(int last) {
    strings result;
    for (int i = 1; i <= last; ++i)
      result.push_back("line " + std::to_string(i));
    return result;
  }

  void kill_worker() {
    worker_->process().signal(SIGKILL);
    ASSERT_TRUE(worker_->process().wait(10s));
    ASSERT_TRUE(eventually([this] { return connections_ == 0; }));
  }

  static constexpr auto counting
    = "for i in $(seq 1 100); do echo line $i; sleep 0.1; done; exit 7";
};

} // namespace

TEST_F(Recovery,
       AKilledWorkersSuccessorGoesOnWithEachLineOnce_E2E04_RST01_SVC45) {
  start_connected_worker();
  auto script = start(counting);
  ASSERT_TRUE(script->sees("line 10"));
  kill_worker();
  start_connected_worker();
  auto result = script->wait();
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(texts(result), counted(100));
}

TEST_F(Recovery, AKilledWorkersSuccessorAnswersWithinAMinute_SVC47) {
  start_connected_worker();
  auto script = start("echo begin; sleep 600");
  ASSERT_TRUE(script->sees("begin"));
  kill_worker();
  auto begun = std::chrono::steady_clock::now();
  start_connected_worker();
  EXPECT_EQ(run("echo up").exit_code, 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 60s);
  server_->cancel(script->ticket);
  EXPECT_EQ(script->wait().exit_code, exit_cancelled);
}

TEST_F(Recovery, AScriptThatEndsWhileNoWorkerIsThereIsReportedWhole_RST04) {
  start_connected_worker();
  auto flag = home_ / "ended";
  auto script = start("echo begin; sleep 3; echo end; touch \"$1\"; exit 5",
                      {flag.string()});
  ASSERT_TRUE(script->sees("begin"));
  kill_worker();
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(flag); }));
  start_connected_worker();
  auto result = script->wait();
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_EQ(texts(result), (strings{"begin", "end"}));
}

TEST_F(Recovery, AStopLeavesThePodToTheSuccessorAndLosesNothing_RST07) {
  start_connected_worker();
  auto script = start(counting);
  ASSERT_TRUE(script->sees("line 10"));
  worker_->process().signal(SIGTERM);
  EXPECT_EQ(worker_->process().wait(40s), 0);
  EXPECT_TRUE(worker_->logged("worker-stopped"));
  start_connected_worker();
  auto result = script->wait();
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(texts(result), counted(100));
}

TEST_F(Recovery, AServerThatRestartsFindsItsScriptAgain) {
  start_connected_worker();
  auto script = start(counting);
  ASSERT_TRUE(script->sees("line 10"));
  server_->restart(1s);
  auto result = script->wait();
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(texts(result), counted(100));
}

TEST_F(Recovery, AnApiServerThatIsAwayForAWhileIsWaitedFor) {
  if (!embedded())
    GTEST_SKIP() << "played by the embedded cluster";
  start_connected_worker();
  auto script = start(counting);
  ASSERT_TRUE(script->sees("line 10"));
  embedded()->cut_connections(3s);
  auto result = script->wait();
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(texts(result), counted(100));
}

TEST_F(Recovery, AnApiServerThatIsNotThereAtStartIsWaitedFor) {
  if (!embedded())
    GTEST_SKIP() << "played by the embedded cluster";
  embedded()->cut_connections(4s);
  start_worker();
  EXPECT_TRUE(eventually(
    [&] { return worker_->logged("start-waits-for-cluster", "config map"); }));
  EXPECT_EQ(worker_->get("/healthz").first, 200);
  EXPECT_EQ(worker_->get("/readyz").first, 503);
  ASSERT_TRUE(eventually([&] { return connections_ > 0; }, 60s));
  EXPECT_EQ(run("echo up").exit_code, 0);
}

} // namespace cuttle::test
