// What happens by the clock: orphans, pods pending for too long, stale
// workspaces.

#include "actor_fixture.hpp"
#include "actors/housekeeping.hpp"

namespace cuttle::test {

namespace {

const script_ticket ticket{"Ticket-1"};

class HousekeepingTest : public intake_fixture {
protected:
  void begin() {
    load();
    keep_house();
  }

  void keep_house() {
    keeper_ = spawn_housekeeping(parent(), context, intake);
    settle();
    advance(0ms);
  }

  void drop_handles() override {
    keeper_ = nullptr;
    intake_fixture::drop_handles();
  }

  void minutes(int n) {
    for (int i = 0; i < n; ++i) {
      advance(1min);
      serve();
    }
  }

  void finished_script(std::int32_t code) {
    started(ticket);
    cluster.run(ticket);
    cluster.write_lines(ticket, 3);
    cluster.write_end(ticket, code);
    cluster.finish(ticket, code);
    serve();
  }

private:
  housekeeping_actor keeper_;
};

TEST_F(HousekeepingTest,
       RemovesAnOrphanAfterItsTimeAndKeepsTheResult_ORP04_SVC50) {
  begin();
  advance(1min);
  finished_script(4);
  minutes(9);
  EXPECT_NE(cluster.find(ticket), nullptr) << "not before its time";
  minutes(11);
  EXPECT_EQ(cluster.find(ticket), nullptr);
  auto x = status(ticket);
  EXPECT_EQ(x.state, process_state::complete);
  EXPECT_EQ(x.exit_code, 4);
  EXPECT_EQ(texts(x, output_source::out), numbered(1, 3));
  EXPECT_TRUE(store.workspaces.contains("ticket-1"))
    << "workspaces are left to their own sweep";
  EXPECT_TRUE(complete(ticket)->value);
  EXPECT_TRUE(store.workspaces.empty());
}

TEST_F(HousekeepingTest, LooksForOrphansAMinuteAfterTheStart_ORP01) {
  cluster.add(ticket);
  load();
  cluster.run(ticket);
  cluster.write_lines(ticket, 1);
  cluster.write_end(ticket, 0);
  cluster.finish(ticket, 0);
  status(ticket);
  serve();
  advance(1h);
  keep_house();
  minutes(1);
  EXPECT_EQ(cluster.find(ticket), nullptr);
}

TEST_F(HousekeepingTest, TriesAnOrphanAgainWhoseDeletionFailed_ORP03) {
  begin();
  finished_script(0);
  cluster.deletion_failure = {errc::unavailable, "no API server"};
  minutes(22);
  EXPECT_FALSE(cluster.deletions.empty());
  EXPECT_NE(cluster.find(ticket), nullptr);
  cluster.deletion_failure = {};
  minutes(10);
  EXPECT_EQ(cluster.find(ticket), nullptr);
  EXPECT_EQ(status(ticket).exit_code, 0);
}

TEST_F(HousekeepingTest, KeepsAnOrphanWhoseOutputIsNotRead_ORP04) {
  cluster.add(ticket);
  load();
  cluster.run(ticket);
  cluster.write_lines(ticket, 2);
  cluster.finish(ticket, 0);
  keep_house();
  minutes(30);
  EXPECT_NE(cluster.find(ticket), nullptr)
    << "only the pod has the script's output";
  status(ticket);
  serve();
  auto x = status(ticket);
  EXPECT_EQ(x.state, process_state::complete);
  EXPECT_EQ(texts(x, output_source::out), numbered(1, 2));
}

TEST_F(HousekeepingTest, GivesUpAResultThatNobodyAsksForAfterItsTime_ORP04) {
  cluster.add(ticket);
  load();
  cluster.run(ticket);
  cluster.write_lines(ticket, 2);
  cluster.finish(ticket, 0);
  keep_house();
  store.workspaces.insert("ticket-1");
  advance(patience->result);
  serve();
  EXPECT_EQ(cluster.find(ticket), nullptr);
  EXPECT_TRUE(store.workspaces.empty());
  EXPECT_TRUE(summary().operations.empty());
}

TEST_F(HousekeepingTest, KeepsARunningScript_ORP02) {
  begin();
  started(ticket);
  cluster.run(ticket);
  serve();
  minutes(60);
  EXPECT_EQ(status(ticket).state, process_state::running);
  EXPECT_TRUE(cluster.deletions.empty());
}

TEST_F(HousekeepingTest, RemovesNothingWhenCleanupIsDisabled_ORP03) {
  settings->disable_pod_cleanup = true;
  begin();
  finished_script(0);
  minutes(60);
  EXPECT_NE(cluster.find(ticket), nullptr);
  EXPECT_EQ(store.lists, 0u);
}

TEST_F(HousekeepingTest, EndsAPodThatIsPendingForTooLong_PND01_SVC33) {
  settings->pending_limit = 90min;
  begin();
  started(ticket);
  status(ticket);
  minutes(90);
  EXPECT_EQ(status(ticket).state, process_state::pending);
  minutes(1);
  auto x = status(ticket);
  EXPECT_EQ(x.state, process_state::complete);
  EXPECT_EQ(x.exit_code, exit_timeout);
  EXPECT_EQ(texts(x, output_source::err),
            (std::vector<std::string>{
              "The Kubernetes Pod 'octopus-script-ticket-1' has been in the "
              "'Pending' for more than 90 minutes and will be deleted."}));
}

TEST_F(HousekeepingTest, SaysWhyAPodIsStillPending_PND01) {
  settings->pending_limit = 5min;
  begin();
  started(ticket);
  auto& container = cluster.at(ticket).snapshot.containers[0];
  container.reason = "ImagePullBackOff";
  container.message = "no such tag";
  cluster.announce(ticket);
  minutes(6);
  auto x = status(ticket);
  EXPECT_EQ(x.exit_code, exit_timeout);
  EXPECT_TRUE(says(x, output_source::err, "no such tag"));
}

TEST_F(HousekeepingTest, LetsAPodWaitForEverWithoutALimit_PND01) {
  begin();
  started(ticket);
  minutes(200);
  EXPECT_EQ(status(ticket).state, process_state::pending);
}

TEST_F(HousekeepingTest, NeverEndsAPodWithoutCreationTime_PND03) {
  settings->pending_limit = 5min;
  begin();
  started(ticket);
  cluster.at(ticket).snapshot.created_at.reset();
  cluster.announce(ticket);
  minutes(60);
  EXPECT_EQ(status(ticket).state, process_state::pending);
}

TEST_F(HousekeepingTest, SweepsStaleWorkspacesAtTheStartAndEveryTwoHours_WS09) {
  load();
  started(ticket);
  store.workspaces.insert("old");
  store.listed = {{ticket, now_ - 48h}, {{"old"}, now_ - 25h}};
  begin();
  serve();
  EXPECT_EQ(store.removed, std::vector<std::string>{"old"});
  EXPECT_EQ(store.lists, 1u);
  minutes(119);
  EXPECT_EQ(store.lists, 1u);
  minutes(1);
  EXPECT_EQ(store.lists, 2u);
}

TEST_F(HousekeepingTest, SweepsNoWorkspaceBeforeThePodsAreLoaded_WS09) {
  store.listed = {{ticket, now_ - 48h}};
  intake = spawn_task_intake(parent(), context, health);
  keep_house();
  serve();
  EXPECT_EQ(store.lists, 1u);
  EXPECT_TRUE(store.removed.empty()) << "it may be in use";
  // The sweep of the start is made up for soon after.
  caf::anon_send(intake, pods_listed{});
  advance(1min);
  serve();
  EXPECT_EQ(store.removed, std::vector<std::string>{ticket.task_id});
}

TEST_F(HousekeepingTest, AWorkerWithoutOperationsIsToldThatItIsQuiet) {
  auto quiet = 0;
  made->on_quiet = [&quiet] { ++quiet; };
  load();
  advance(patience->quiet - 1ms);
  EXPECT_EQ(quiet, 0);
  advance(1ms);
  EXPECT_EQ(quiet, 1) << "once after the start";
  started(ticket);
  for (auto i = 0; i < 5; ++i)
    advance(patience->quiet);
  EXPECT_EQ(quiet, 1) << "not while there is an operation";
  ask<bool>(intake, complete_script{ticket});
  serve();
  advance(patience->quiet);
  EXPECT_EQ(quiet, 2) << "once the last operation has ended";
  advance(10 * patience->quiet);
  EXPECT_EQ(quiet, 2) << "only once";
}

} // namespace

} // namespace cuttle::test
