// Scripts that wait on the volume are neither lost nor run twice, whatever
// happens to the worker and to the volume meanwhile.

#include "queue_fixture.hpp"

namespace cuttle::test {

namespace {

class QueueRecoveryTest : public queue_fixture {
protected:
  // A new worker that knows the pods and has not read the volume yet.
  void restart_beside_the_volume() {
    parent().send_exit(intake, caf::exit_reason::kill);
    parent().send_exit(watch, caf::exit_reason::kill);
    settle();
    exits.clear();
    intake = spawn_task_intake(parent(), context, health);
    watch = spawn_pod_watch(parent(), context, intake, health);
    settle();
    cluster.list();
    settle();
  }
};

TEST_F(QueueRecoveryTest, ARestartedWorkerGoesOnInTheSameOrder_RST01) {
  fill();
  for (auto* name : {"B-1", "A-1", "C-1"}) {
    start({name});
    serve();
    advance(1s);
  }
  restart();
  EXPECT_EQ(summary().waiting, 3u);
  EXPECT_EQ(status({"A-1"}).state, process_state::pending);
  auto again = started({"B-1"});
  EXPECT_EQ(again.state, process_state::pending);
  EXPECT_TRUE(says(again, output_source::out, "place 1 of 3"));
  std::vector<std::string> order;
  auto now_running = running;
  for (int i = 0; i < 3; ++i) {
    complete(now_running);
    ASSERT_EQ(cluster.pods.size(), 1u);
    now_running = cluster.pods.begin()->second.snapshot.ticket;
    order.push_back(now_running.task_id);
  }
  EXPECT_EQ(order, (std::vector<std::string>{"B-1", "A-1", "C-1"}));
  for (auto& [name, times] : cluster.created)
    EXPECT_EQ(times, 1) << name;
  EXPECT_TRUE(store.requests.empty());
}

TEST_F(QueueRecoveryTest, ARestartWithRoomBeginsThoseThatWait_RST01) {
  fill();
  start(queued);
  serve();
  settings->operations_limit = 2;
  restart();
  EXPECT_TRUE(begun(queued));
}

TEST_F(QueueRecoveryTest, ARequestWhosePodThereIsRunsNoSecondTime_RST02) {
  fill();
  start(queued);
  serve();
  // The worker dies between the creation and the end of the request.
  cluster.add(queued);
  settings->operations_limit = 5;
  restart();
  EXPECT_TRUE(store.requests.empty());
  EXPECT_EQ(cluster.created.count("octopus-script-queued-1"), 0u);
  cluster.run(queued);
  cluster.finish(queued, 3);
  serve();
  status(queued);
  serve();
  EXPECT_EQ(status(queued).exit_code, 3);
  complete(queued);
  serve();
  expect_nothing_of(queued);
  restart();
  expect_nothing_of(queued);
}

TEST_F(QueueRecoveryTest, ThePodOfARequestThatMayBeThereGoesOnlyAfterIt_RST02) {
  fill();
  start(queued);
  serve();
  cluster.add(queued);
  // The new worker has not read the volume yet when the script is cancelled.
  restart_beside_the_volume();
  ask(intake, cancel_script{queued, 0});
  settle();
  EXPECT_TRUE(cluster.deletions.empty());
  store.serve();
  settle();
  EXPECT_FALSE(store.requests.contains(queued.key()));
  EXPECT_EQ(cluster.deletions.size(), 1u);
  serve();
  restart();
  EXPECT_FALSE(begun(queued));
}

TEST_F(QueueRecoveryTest, AVolumeThatHangsHoldsNoCancellationUp_RPC11) {
  fill();
  start(queued);
  serve();
  cluster.add(queued);
  restart_beside_the_volume();
  auto end = ask(intake, cancel_script{queued, 0});
  settle();
  advance(patience->drop);
  EXPECT_EQ(cluster.deletions.size(), 1u);
  cluster.serve();
  settle();
  EXPECT_EQ((*end)->exit_code, exit_cancelled);
}

TEST_F(QueueRecoveryTest, UntilTheVolumeIsReadNoTicketIsUnknown_MON06) {
  fill();
  start(queued);
  serve();
  store.listing_failure = {errc::unavailable, "the volume is away"};
  restart();
  EXPECT_EQ(status(running).state, process_state::pending) << "this one is";
  for (auto& reply :
       {ask(intake, get_status{queued, 0}), ask(intake, command(queued)),
        ask(intake, cancel_script{queued, 0})}) {
    settle();
    ASSERT_TRUE(reply->error);
    EXPECT_EQ(reply->error->code, errc::unavailable);
  }
  store.listing_failure = {};
  advance(patience->volume_retry);
  serve();
  EXPECT_EQ(status(queued).state, process_state::pending);
}

TEST_F(QueueRecoveryTest, AFullQueueRefusesWithBothFigures) {
  settings->queue_limit = 2;
  fill();
  start({"Queued-1"});
  start({"Queued-2"});
  serve();
  auto reply = start({"Queued-3"});
  serve();
  ASSERT_TRUE(reply->error);
  EXPECT_EQ(reply->error->code, errc::overloaded);
  for (auto* part : {"CUTTLE_OPERATIONS_LIMIT", "CUTTLE_QUEUE_LIMIT", "2 more"})
    EXPECT_NE(reply->error->text.find(part), std::string::npos)
      << reply->error->text;
  cancelled({"Queued-2"});
  EXPECT_TRUE(started({"Queued-3"}).state == process_state::pending);
}

TEST_F(QueueRecoveryTest, ARequestThatCannotBeWrittenIsAnError_RPC05) {
  fill();
  store.keeping_failure = {errc::overloaded, "the volume is full"};
  auto reply = start(queued);
  serve();
  ASSERT_TRUE(reply->error);
  EXPECT_EQ(reply->error->text, "the volume is full");
  expect_nothing_of(queued);
  store.keeping_failure = {};
  EXPECT_EQ(started(queued).state, process_state::pending);
}

TEST_F(QueueRecoveryTest,
       ARequestThatTakesTooLongToWriteIsAskedForAgain_RPC05) {
  fill();
  auto reply = start(queued);
  settle();
  advance(patience->rpc);
  ASSERT_TRUE(reply->error);
  EXPECT_EQ(reply->error->code, errc::unavailable);
  auto again = start(queued);
  serve();
  ASSERT_TRUE(again->value);
  EXPECT_TRUE(store.requests.contains(queued.key()));
}

TEST_F(QueueRecoveryTest, ARequestThatNobodyAskedForAgainGoes_RPC05) {
  fill();
  auto reply = start(queued);
  settle();
  advance(patience->rpc);
  ASSERT_TRUE(reply->error);
  serve();
  expect_nothing_of(queued);
  EXPECT_EQ(started(queued).state, process_state::pending)
    << "it may come all the same";
}

TEST_F(QueueRecoveryTest, ARequestThatCannotBeReadNowIsReadLater) {
  fill();
  start(queued);
  serve();
  store.loading_failure = {errc::unavailable, "the volume is away"};
  complete(running);
  EXPECT_FALSE(begun(queued));
  EXPECT_EQ(status(queued).state, process_state::pending);
  store.loading_failure = {};
  advance(patience->volume_retry);
  serve();
  EXPECT_TRUE(begun(queued));
}

TEST_F(QueueRecoveryTest, ARequestThatIsGoneIsAFailureWithItsReason) {
  fill();
  start(queued);
  serve();
  store.requests.clear();
  complete(running);
  serve();
  auto end = status(queued);
  EXPECT_EQ(end.state, process_state::complete);
  EXPECT_EQ(end.exit_code, exit_fatal);
  EXPECT_TRUE(says(end, output_source::err, "no such request"));
  expect_nothing_of(queued);
}

TEST_F(QueueRecoveryTest,
       ACancellationIsCompleteOnlyOnceNothingCanBegin_RPC11) {
  fill();
  start(queued);
  serve();
  store.removal_failure = {errc::unavailable, "the volume is away"};
  auto first = cancelled(queued);
  EXPECT_EQ(first.state, process_state::pending);
  EXPECT_TRUE(says(first, output_source::debug, "not removed from the volume"));
  complete(running);
  EXPECT_FALSE(begun(queued)) << "it is cancelled";
  store.removal_failure = {};
  advance(patience->volume_retry);
  serve();
  EXPECT_EQ(cancelled(queued).exit_code, exit_cancelled);
  expect_nothing_of(queued);
}

TEST_F(QueueRecoveryTest, AScriptThatNobodyWatchesForADayIsNotBegun) {
  fill();
  start(queued);
  serve();
  for (int i = 0; i < 24; ++i) {
    status(running);
    advance(1h);
  }
  // (the running one is completed late)
  complete(running);
  serve();
  expect_nothing_of(queued);
}

TEST_F(QueueRecoveryTest, ADrainingWorkerBeginsNothingAndKeepsWhatWaits) {
  fill();
  start(queued);
  serve();
  caf::anon_send(intake, drain_atom_v);
  settle();
  complete(running);
  EXPECT_FALSE(begun(queued));
  EXPECT_EQ(status(queued).state, process_state::pending);
  EXPECT_TRUE(store.requests.contains(queued.key()));
  restart();
  EXPECT_TRUE(begun(queued));
}

TEST_F(QueueRecoveryTest, AScriptWhoseTreeBreaksBeforeItsPodTakesAnotherTurn) {
  fill();
  start(queued);
  serve();
  auto thrown = false;
  on_step = [&](std::string_view step, const script_ticket& x) {
    if (step == "pod_lifecycle.start" && x == queued
        && !std::exchange(thrown, true))
      throw std::runtime_error("the test breaks it");
  };
  complete(running);
  serve();
  EXPECT_TRUE(thrown);
  EXPECT_TRUE(begun(queued));
  EXPECT_EQ(cluster.created["octopus-script-queued-1"], 1);
}

TEST_F(QueueRecoveryTest, TakesItsIsolationLockWhenItsTurnComes_ISO01) {
  settings->operations_limit = 2;
  fill();
  auto exclusive = [&](const char* name) {
    auto result = command({name});
    result.isolation = isolation_level::full;
    result.isolation_mutex_name = "deploy";
    return result;
  };
  ask(intake, exclusive("Holder-1"));
  settle();
  ask(intake, exclusive("Queued-1"));
  ask(intake, exclusive("Queued-2"));
  settle();
  // The holder's pod does not come; those in the queue wait without the lock.
  store.serve();
  settle();
  ASSERT_EQ(cluster.creations.size(), 1u);
  store.serve();
  settle();
  settings->operations_limit = 4;
  complete(running);
  // Both have their turn now; they create one after the other.
  EXPECT_EQ(cluster.created.size(), 4u);
  serve();
  for (auto& [name, times] : cluster.created)
    EXPECT_EQ(times, 1) << name;
  EXPECT_TRUE(begun({"Queued-1"}));
  EXPECT_TRUE(begun({"Queued-2"}));
}

TEST_F(QueueRecoveryTest,
       AStartThatIsAnsweredBeforeItsPodSurvivesARestart_RST01) {
  load();
  auto reply = start(running);
  settle();
  advance(patience->rpc);
  EXPECT_FALSE(reply->done) << "a restart would lose it";
  store.serve();
  settle();
  // The workspace is there, and the request with it.
  store.serve();
  settle();
  ASSERT_TRUE(reply->value);
  EXPECT_EQ((*reply)->state, process_state::pending);
  // The creation had not arrived when the worker died.
  cluster.pods.clear();
  cluster.created.clear();
  cluster.creations.clear();
  restart();
  EXPECT_EQ(cluster.created["octopus-script-running-1"], 1);
  EXPECT_TRUE(store.requests.empty());
  EXPECT_EQ(status(running).state, process_state::pending);
}

TEST_F(QueueRecoveryTest, MetricsTellHowManyWaitAndHowLong) {
  fill();
  start(queued);
  serve();
  advance(90s);
  status(queued);
  auto text = metrics.render();
  EXPECT_NE(text.find("cuttle_queue_length 1"), std::string::npos) << text;
  EXPECT_NE(text.find("cuttle_queue_longest_wait_seconds 90"),
            std::string::npos);
  cancelled(queued);
  EXPECT_NE(metrics.render().find("cuttle_queue_length 0"), std::string::npos);
}

} // namespace

} // namespace cuttle::test
