// One operation from StartScript to CompleteScript.

#include "actor_fixture.hpp"

namespace cuttle::test {

namespace {

using OperationTest = intake_fixture;

const script_ticket ticket{"Ticket-1"};

TEST_F(OperationTest,
       AnswersPendingWithoutCodeOrSequenceOnceThePodIsThere_RPC03_SVC05) {
  load();
  auto reply = start(ticket);
  settle();
  EXPECT_EQ(store.prepared, std::vector<std::string>{"Ticket-1"});
  EXPECT_TRUE(cluster.creations.empty()) << "the workspace comes first";
  store.serve();
  settle();
  ASSERT_EQ(cluster.creations.size(), 1u);
  EXPECT_FALSE(reply->done);
  cluster.accept_creation(ticket);
  settle();
  ASSERT_TRUE(reply->done);
  EXPECT_EQ((*reply)->state, process_state::pending);
  EXPECT_EQ((*reply)->exit_code, 0);
  EXPECT_EQ((*reply)->next_sequence, 0);
  EXPECT_EQ(cluster.created["octopus-script-ticket-1"], 1);
  EXPECT_TRUE(
    says(*reply->value, output_source::debug, "Creating Kubernetes Pod"));
}

TEST_F(OperationTest,
       RunsAScriptFromStartToCompleteWithAllItsLines_RPC06_SVC22) {
  load();
  started(ticket);
  cluster.run(ticket);
  serve();
  ASSERT_EQ(cluster.follows.size(), 1u);
  EXPECT_EQ(cluster.follows[0].pod, "octopus-script-ticket-1");
  cluster.write_lines(ticket, 3);
  serve();
  auto first = status(ticket);
  EXPECT_EQ(first.state, process_state::running);
  EXPECT_EQ(first.exit_code, 0);
  EXPECT_EQ(first.next_sequence, 3);
  EXPECT_EQ(texts(first, output_source::out), numbered(1, 3));
  cluster.write_lines(ticket, 2);
  cluster.write(ticket, "a warning", output_source::err);
  cluster.write_end(ticket, 7);
  cluster.finish(ticket, 7);
  serve();
  auto second = status(ticket, first.next_sequence);
  EXPECT_EQ(second.state, process_state::complete);
  EXPECT_EQ(second.exit_code, 7);
  EXPECT_EQ(second.next_sequence, 7);
  EXPECT_EQ(texts(second, output_source::out), numbered(4, 5));
  EXPECT_TRUE(says(second, output_source::err, "a warning"));
  EXPECT_TRUE(says(second, output_source::debug,
                   "'Ticket-1' as completed with "
                   "exit code: '7'"));
}

TEST_F(OperationTest,
       RemovesPodAndWorkspaceOnCompleteScript_RPC13_SVC39_SVC57) {
  load();
  started(ticket);
  EXPECT_TRUE(store.workspaces.contains("ticket-1"));
  cluster.run(ticket);
  cluster.write_end(ticket, 0);
  cluster.finish(ticket, 0);
  serve();
  EXPECT_EQ(status(ticket).state, process_state::complete);
  auto reply = complete(ticket);
  EXPECT_TRUE(reply->value);
  EXPECT_EQ(cluster.find(ticket), nullptr);
  EXPECT_TRUE(store.workspaces.empty());
  ASSERT_EQ(cluster.deletions.size(), 1u);
  EXPECT_FALSE(cluster.deletions[0].grace) << "the pod's own grace period";
  EXPECT_TRUE(summary().operations.empty());
}

TEST_F(OperationTest, ALateStateOfItsPodAfterCompleteScriptCostsNoCall) {
  load();
  started(ticket);
  cluster.run(ticket);
  cluster.write_end(ticket, 0);
  serve();
  status(ticket);
  complete(ticket);
  ASSERT_EQ(cluster.deletions.size(), 1u);
  // What the watch still had to tell when the pod was deleted.
  cluster.add(ticket);
  cluster.finish(ticket, 0);
  settle();
  cluster.remove(ticket);
  settle();
  advance(1h);
  EXPECT_EQ(cluster.deletions.size(), 1u);
}

TEST_F(OperationTest, APodThatStaysAfterCompleteScriptIsDeletedAgain) {
  load();
  started(ticket);
  cluster.run(ticket);
  cluster.write_end(ticket, 0);
  cluster.deletion_failure = {errc::unavailable, "the API server is away"};
  serve();
  status(ticket);
  complete(ticket);
  ASSERT_EQ(cluster.deletions.size(), 1u);
  cluster.deletion_failure = {};
  cluster.announce(ticket);
  cluster.announce(ticket);
  settle();
  advance(patience->stray);
  serve();
  EXPECT_EQ(cluster.deletions.size(), 2u);
  EXPECT_EQ(cluster.find(ticket), nullptr);
  advance(1h);
  EXPECT_EQ(cluster.deletions.size(), 2u);
}

TEST_F(OperationTest, AnswersCompleteScriptOnlyWhenBothAreGone_RPC13) {
  load();
  started(ticket);
  auto reply = ask<bool>(intake, complete_script{ticket});
  settle();
  EXPECT_FALSE(reply->done);
  store.serve();
  settle();
  EXPECT_FALSE(reply->done) << "the pod is still there";
  cluster.serve();
  settle();
  EXPECT_TRUE(reply->value);
}

TEST_F(OperationTest,
       ACompleteScriptSentTwiceAtOnceWaitsForTheSameEnd_RPC14_SVC39) {
  load();
  started(ticket);
  auto first = ask<bool>(intake, complete_script{ticket});
  auto second = ask<bool>(intake, complete_script{ticket});
  settle();
  EXPECT_FALSE(first->done) << "nothing is removed yet";
  EXPECT_FALSE(second->done);
  serve();
  EXPECT_TRUE(first->value);
  EXPECT_TRUE(second->done);
  EXPECT_EQ(cluster.find(ticket), nullptr);
  EXPECT_TRUE(store.workspaces.empty());
  EXPECT_EQ(cluster.deletions.size(), 1u);
}

TEST_F(OperationTest,
       ALateStartScriptAfterCompleteScriptStartsNothing_RPC01_SVC41) {
  load();
  started(ticket);
  cluster.run(ticket);
  cluster.write_end(ticket, 5);
  cluster.finish(ticket, 5);
  serve();
  status(ticket);
  complete(ticket);
  auto late = started(ticket);
  EXPECT_EQ(late.state, process_state::complete);
  EXPECT_EQ(late.exit_code, 5);
  EXPECT_EQ(cluster.created["octopus-script-ticket-1"], 1);
  EXPECT_EQ(store.prepared.size(), 1u);
}

TEST_F(OperationTest, CompleteScriptOfAnUnknownTicketIsFine_RPC14_SVC39) {
  load();
  EXPECT_TRUE(complete(ticket)->value);
  EXPECT_TRUE(cluster.deletions.empty());
}

TEST_F(OperationTest, CompleteScriptStopsARunningScriptAndStatusCalls_SVC40) {
  load();
  started(ticket);
  cluster.run(ticket);
  cluster.write_lines(ticket, 2);
  serve();
  auto reply = ask<bool>(intake, complete_script{ticket});
  settle();
  auto during = ask(intake, get_status{ticket, 0});
  settle();
  EXPECT_FALSE(reply->done);
  serve();
  EXPECT_TRUE(reply->value);
  ASSERT_TRUE(during->value) << "the call in flight is answered";
  EXPECT_EQ(cluster.find(ticket), nullptr) << "the script still runs";
  EXPECT_TRUE(store.workspaces.empty());
  EXPECT_TRUE(exits.empty()) << "an actor broke";
  EXPECT_EQ(status(ticket).state, process_state::complete);
}

// A worker that was killed between the deletion of the pod and the answer
// leaves a workspace that nobody else would ask for.
TEST_F(OperationTest, RemovesTheWorkspaceOfATicketWhosePodIsGone_RPC13) {
  load();
  store.workspaces.insert(ticket.key());
  EXPECT_TRUE(complete(ticket)->value);
  settle();
  EXPECT_TRUE(store.workspaces.empty());
}

TEST_F(OperationTest, KeepsTheWorkspaceOfAnUnknownTicketWithoutCleanup_RPC13) {
  settings->disable_pod_cleanup = true;
  load();
  store.workspaces.insert(ticket.key());
  EXPECT_TRUE(complete(ticket)->value);
  settle();
  EXPECT_TRUE(store.workspaces.contains(ticket.key()));
}

TEST_F(OperationTest, CompletesNoTicketThatNoPathMayHave) {
  load();
  EXPECT_TRUE(complete({".."})->value);
  settle();
  EXPECT_TRUE(store.removed.empty());
}

TEST_F(OperationTest, KeepsThePodWhenCleanupIsDisabled_RPC13) {
  settings->disable_pod_cleanup = true;
  load();
  started(ticket);
  EXPECT_TRUE(complete(ticket)->value);
  EXPECT_NE(cluster.find(ticket), nullptr);
  EXPECT_TRUE(store.workspaces.contains("ticket-1"));
  EXPECT_TRUE(summary().operations.empty());
}

TEST_F(OperationTest,
       IsCompleteOnlyWithItsLastLinesAndAfterTheMarker_RPC07_SVC23) {
  load();
  started(ticket);
  cluster.run(ticket);
  serve();
  cluster.write_lines(ticket, 1);
  cluster.finish(ticket, 0);
  settle();
  EXPECT_EQ(status(ticket).state, process_state::running)
    << "the container ended, its log is not read yet";
  serve();
  auto last = status(ticket);
  EXPECT_EQ(last.state, process_state::complete);
  EXPECT_EQ(texts(last, output_source::out), numbered(1, 1));
}

TEST_F(OperationTest, TheEndMarkerEndsTheScriptBeforeItsContainer_LOG14) {
  load();
  started(ticket);
  cluster.run(ticket);
  cluster.write_lines(ticket, 1);
  cluster.write_end(ticket, 3);
  serve();
  auto last = status(ticket);
  EXPECT_EQ(last.state, process_state::complete);
  EXPECT_EQ(last.exit_code, 3);
}

TEST_F(OperationTest, OnlyAnEndedContainerOverridesTheEndMarker_MON11) {
  load();
  started(ticket);
  cluster.run(ticket);
  cluster.write_end(ticket, 0);
  serve();
  EXPECT_EQ(status(ticket).exit_code, 0);
  // A late update that still says Running undoes nothing.
  cluster.announce(ticket);
  serve();
  EXPECT_EQ(status(ticket).state, process_state::complete);
  cluster.finish(ticket, 1);
  serve();
  auto last = status(ticket);
  EXPECT_EQ(last.state, process_state::complete);
  EXPECT_EQ(last.exit_code, 1);
}

TEST_F(OperationTest, NamesThePhaseOnChangeAndOnceAMinute_RPC08) {
  load();
  started(ticket);
  const auto* phase = "is in the 'Pending' phase";
  EXPECT_TRUE(says(status(ticket), output_source::debug, phase));
  EXPECT_FALSE(says(status(ticket), output_source::debug, phase));
  advance(60s);
  EXPECT_TRUE(says(status(ticket), output_source::debug, phase));
  cluster.run(ticket);
  serve();
  EXPECT_TRUE(
    says(status(ticket), output_source::debug, "is in the 'Running' phase"));
}

TEST_F(OperationTest, TellsEachEventOfThePodOnce_LOG16_LOG17) {
  load();
  started(ticket);
  status(ticket);
  pod_event event;
  event.uid = "event-1";
  event.pod_name = "octopus-script-ticket-1";
  event.type = "Warning";
  event.reason = "FailedPreStopHook";
  event.message = "the hook is busy";
  event.occurred = now_;
  cluster.event(event);
  cluster.event(event);
  settle();
  auto first = status(ticket);
  EXPECT_EQ(texts(first, output_source::out),
            (std::vector<std::string>{
              "##octopus[stdout-warning]",
              "[POD EVENT] FailedPreStopHook | the hook is busy (Count: 1)",
              "##octopus[stdout-default]"}));
  event.count = 2;
  cluster.event(event);
  settle();
  EXPECT_TRUE(says(status(ticket), output_source::out, "(Count: 2)"));
}

TEST_F(OperationTest, WarnsOnceAboutTheCauseOfAWaitingPod_LOG18_SVC31) {
  load();
  started(ticket);
  auto& container = cluster.at(ticket).snapshot.containers[0];
  container.reason = "ImagePullBackOff";
  container.message = "no such tag";
  cluster.announce(ticket);
  cluster.announce(ticket);
  settle();
  auto waiting = status(ticket);
  EXPECT_EQ(waiting.state, process_state::pending);
  auto lines = texts(waiting, output_source::out);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], "##octopus[stdout-warning]");
  EXPECT_NE(lines[1].find("no such tag"), std::string::npos);
  EXPECT_EQ(lines[2], "##octopus[stdout-default]");
}

TEST_F(OperationTest, AnOutOfMemoryEndTellsItsCause_LOG18) {
  load();
  started(ticket);
  cluster.run(ticket);
  serve();
  cluster.at(ticket).snapshot.containers[0].reason = "OOMKilled";
  cluster.write_lines(ticket, 1);
  cluster.finish(ticket, 137);
  cluster.at(ticket).snapshot.containers[0].reason = "OOMKilled";
  cluster.announce(ticket);
  serve();
  auto last = status(ticket);
  EXPECT_EQ(last.exit_code, 137);
  EXPECT_TRUE(says(last, output_source::err, "memory"));
}

TEST_F(OperationTest, ForgetsAResultThatNobodyCompletesAfterItsTime_ORP04) {
  load();
  started(ticket);
  cluster.run(ticket);
  cluster.write_lines(ticket, 2);
  cluster.write_end(ticket, 0);
  cluster.finish(ticket, 0);
  serve();
  // (the container's log goes with its pod)
  status(ticket);
  cluster.remove(ticket);
  serve();
  advance(23h);
  auto kept = status(ticket);
  EXPECT_EQ(kept.state, process_state::complete);
  EXPECT_EQ(kept.exit_code, 0);
  EXPECT_EQ(texts(kept, output_source::out), numbered(1, 2));
  advance(1h);
  serve();
  EXPECT_TRUE(summary().operations.empty());
  EXPECT_TRUE(store.workspaces.empty());
}

} // namespace

} // namespace cuttle::test
