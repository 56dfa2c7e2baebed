// CancelScript in every state of a script, and tickets that nobody knows.

#include "actor_fixture.hpp"

namespace cuttle::test {

namespace {

using CancelTest = intake_fixture;

const script_ticket ticket{"Ticket-1"};
const std::string pod_name = "octopus-script-ticket-1";

TEST_F(CancelTest,
       AnUnknownTicketIsCompleteWithSixLinesAndItsCursor_RPC09_SVC21) {
  load();
  auto reply = status(ticket, 17);
  EXPECT_EQ(reply.state, process_state::complete);
  EXPECT_EQ(reply.exit_code, exit_pod_not_found);
  EXPECT_EQ(reply.next_sequence, 17);
  auto lines = texts(reply, output_source::err);
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_EQ(lines[0], "The Script Pod 'octopus-script-ticket-1' could not be "
                      "found. This is most likely due to the Script Pod being "
                      "deleted.");
}

TEST_F(CancelTest, AnUnknownTicketIsAskedForAgainAndAgain_RPC10) {
  load();
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(status(ticket, i).exit_code, exit_pod_not_found);
  EXPECT_EQ(started(ticket).state, process_state::pending)
    << "a question alone does not spend the ticket";
}

TEST_F(CancelTest, LooksForNoPodThatTheWatchKnowsToBeGoneFirst_RPC11) {
  load();
  started(ticket);
  cluster.run(ticket);
  serve();
  auto reply = ask(intake, cancel_script{ticket, 0});
  settle();
  cluster.remove(ticket);
  settle();
  serve();
  ASSERT_TRUE(reply->value);
  EXPECT_EQ(reply->value->exit_code, exit_cancelled);
  EXPECT_TRUE(texts(*reply->value, output_source::err).empty())
    << "the user who cancelled knows where it is";
}

TEST_F(CancelTest, EndsARunningScriptAtOnce_RPC11_SVC34) {
  load();
  started(ticket);
  cluster.run(ticket);
  cluster.write_lines(ticket, 2);
  serve();
  auto reply = ask(intake, cancel_script{ticket, 0});
  settle();
  EXPECT_FALSE(reply->done) << "the cluster has not taken the deletion";
  serve();
  ASSERT_TRUE(reply->value);
  auto& x = *reply->value;
  EXPECT_EQ(x.state, process_state::complete);
  EXPECT_EQ(x.exit_code, exit_cancelled);
  EXPECT_TRUE(says(x, output_source::out, "line 2"));
  EXPECT_TRUE(says(x, output_source::out, "Script execution canceled."));
  EXPECT_TRUE(says(x, output_source::debug,
                   "Kubernetes Pod " + pod_name + " has been terminated."));
  ASSERT_EQ(cluster.deletions.size(), 1u);
  EXPECT_EQ(cluster.deletions[0].grace, 0s);
  EXPECT_EQ(cluster.find(ticket), nullptr);
}

TEST_F(CancelTest, IsNoExitCodeOfTheKillThatItAskedFor_RPC11) {
  load();
  started(ticket);
  cluster.run(ticket);
  serve();
  auto reply = ask(intake, cancel_script{ticket, 0});
  settle();
  // The watch is quicker than the answer to the deletion.
  cluster.finish(ticket, 137);
  settle();
  EXPECT_NE(status(ticket).state, process_state::complete);
  serve();
  ASSERT_TRUE(reply->value);
  EXPECT_EQ(reply->value->state, process_state::complete);
  EXPECT_EQ(reply->value->exit_code, exit_cancelled);
}

TEST_F(CancelTest, StaysCancelledWhateverComesFromThePodAfterwards_RPC11) {
  load();
  started(ticket);
  cluster.run(ticket);
  serve();
  auto reply = ask(intake, cancel_script{ticket, 0});
  settle();
  // The container's end and the deletion come at the same time.
  serve();
  auto cursor = (*reply)->next_sequence;
  auto later = status(ticket, cursor);
  EXPECT_EQ(later.state, process_state::complete);
  EXPECT_EQ(later.exit_code, exit_cancelled);
  EXPECT_TRUE(texts(later, output_source::err).empty());
}

TEST_F(CancelTest, EndsAPendingScript_RPC11_SVC35) {
  load();
  started(ticket);
  auto x = cancelled(ticket);
  EXPECT_EQ(x.state, process_state::complete);
  EXPECT_EQ(x.exit_code, exit_cancelled);
  EXPECT_EQ(cluster.find(ticket), nullptr);
}

TEST_F(CancelTest, CancellingTwiceIsHarmless_RPC12_SVC36) {
  load();
  started(ticket);
  cluster.run(ticket);
  serve();
  EXPECT_EQ(cancelled(ticket).exit_code, exit_cancelled);
  auto again = cancelled(ticket);
  EXPECT_EQ(again.state, process_state::complete);
  EXPECT_EQ(again.exit_code, exit_cancelled);
  EXPECT_EQ(cluster.deletions.size(), 1u);
}

TEST_F(CancelTest, TwoCancellationsAtOnceBothWaitForTheDeletion_RPC12) {
  load();
  started(ticket);
  cluster.run(ticket);
  serve();
  auto first = ask(intake, cancel_script{ticket, 0});
  settle();
  auto second = ask(intake, cancel_script{ticket, 0});
  settle();
  EXPECT_FALSE(first->done) << "the pod still runs";
  EXPECT_FALSE(second->done);
  serve();
  EXPECT_EQ((*first)->exit_code, exit_cancelled);
  EXPECT_EQ((*second)->exit_code, exit_cancelled);
  EXPECT_EQ(cluster.deletions.size(), 1u);
}

TEST_F(CancelTest, TwoWaitingCancellationsAreBothAnsweredInTime_RPC11) {
  load();
  started(ticket);
  cluster.run(ticket);
  serve();
  auto first = ask(intake, cancel_script{ticket, 0});
  settle();
  auto second = ask(intake, cancel_script{ticket, 0});
  settle();
  advance(patience->rpc);
  ASSERT_TRUE(first->value);
  ASSERT_TRUE(second->value);
  EXPECT_EQ(first->value->state, process_state::running);
  EXPECT_EQ(second->value->state, process_state::running);
  serve();
  EXPECT_EQ(status(ticket).exit_code, exit_cancelled);
}

TEST_F(CancelTest, AFinishedScriptKeepsItsCode_RPC12) {
  load();
  started(ticket);
  cluster.run(ticket);
  cluster.write_end(ticket, 0);
  cluster.finish(ticket, 0);
  serve();
  auto x = cancelled(ticket);
  EXPECT_EQ(x.state, process_state::complete);
  EXPECT_EQ(x.exit_code, 0);
  EXPECT_TRUE(cluster.deletions.empty());
}

TEST_F(CancelTest, AScriptThatEndsDuringTheCancellationKeepsItsCode_RPC12) {
  load();
  started(ticket);
  cluster.run(ticket);
  serve();
  auto reply = ask(intake, cancel_script{ticket, 0});
  settle();
  cluster.write_lines(ticket, 1);
  cluster.finish(ticket, 0);
  settle();
  serve();
  auto x = status(ticket);
  EXPECT_EQ(x.state, process_state::complete);
  EXPECT_EQ(x.exit_code, 0);
}

TEST_F(CancelTest, IsNotCompleteWhileTheDeletionFails_RPC11) {
  load();
  started(ticket);
  cluster.run(ticket);
  serve();
  cluster.deletion_failure = {errc::forbidden, "no right to delete"};
  auto x = cancelled(ticket);
  EXPECT_EQ(x.state, process_state::running);
  EXPECT_TRUE(says(x, output_source::debug, "no right to delete"));
  cluster.deletion_failure = {};
  auto again = cancelled(ticket, x.next_sequence);
  EXPECT_EQ(again.state, process_state::complete);
  EXPECT_EQ(again.exit_code, exit_cancelled);
  EXPECT_EQ(cluster.find(ticket), nullptr) << "the second attempt deletes";
}

TEST_F(CancelTest, AnswersTheStateSoFarWhenTheDeletionTakesLong) {
  load();
  started(ticket);
  cluster.run(ticket);
  serve();
  auto reply = ask(intake, cancel_script{ticket, 0});
  settle();
  advance(patience->rpc);
  ASSERT_TRUE(reply->value);
  EXPECT_EQ(reply->value->state, process_state::running);
  serve();
  EXPECT_EQ(status(ticket).exit_code, exit_cancelled);
}

// Cancels after each number of messages that a creation takes.
TEST_F(CancelTest,
       LeavesNothingRunningWheneverItComesDuringTheCreation_RPC11_SVC38) {
  load();
  for (int steps = 0; steps < 40; ++steps) {
    script_ticket each{"Ticket-" + std::to_string(steps)};
    auto start_reply = start(each);
    auto left = steps;
    while (left > 0) {
      if (has_job()) {
        run_once();
        --left;
      } else if (!store.serve() && !cluster.serve()) {
        break;
      }
    }
    auto cancel_reply = ask(intake, cancel_script{each, 0});
    serve();
    SCOPED_TRACE(each.task_id);
    EXPECT_TRUE(start_reply->done);
    ASSERT_TRUE(cancel_reply->value);
    EXPECT_EQ(cancel_reply->value->state, process_state::complete);
    EXPECT_EQ(cluster.find(each), nullptr);
    auto code = cancel_reply->value->exit_code;
    EXPECT_TRUE(code == exit_cancelled || code == exit_pod_not_found) << code;
    // The ticket is spent: nothing starts for it any more.
    auto before = cluster.created;
    auto late = start(each);
    serve();
    EXPECT_TRUE(late->done);
    EXPECT_EQ(cluster.created, before);
    EXPECT_EQ(cluster.find(each), nullptr);
    EXPECT_TRUE(complete(each)->value) << "CompleteScript is not answered";
    EXPECT_FALSE(store.workspaces.contains(each.key()));
  }
  EXPECT_TRUE(summary().operations.empty());
}

TEST_F(CancelTest, CompleteScriptDuringTheCreationLeavesNothing_RPC13) {
  load();
  for (int steps = 0; steps < 40; ++steps) {
    script_ticket each{"Ticket-" + std::to_string(steps)};
    auto start_reply = start(each);
    auto left = steps;
    while (left > 0) {
      if (has_job()) {
        run_once();
        --left;
      } else if (!store.serve() && !cluster.serve()) {
        break;
      }
    }
    auto reply = ask<bool>(intake, complete_script{each});
    serve();
    SCOPED_TRACE(each.task_id);
    EXPECT_TRUE(start_reply->done);
    EXPECT_TRUE(reply->done);
    if (cluster.find(each)) {
      // The request overtook the start: then it ran as if it had come first.
      ASSERT_EQ(steps, 0);
      complete(each);
    }
    EXPECT_EQ(cluster.find(each), nullptr);
    EXPECT_FALSE(store.workspaces.contains(each.key()));
  }
  EXPECT_TRUE(summary().operations.empty());
}

TEST_F(CancelTest, AScriptCancelledBeforeItsStartDoesNotRun_RPC11_SVC37) {
  load();
  auto x = cancelled(ticket, 3);
  EXPECT_EQ(x.exit_code, exit_pod_not_found);
  EXPECT_EQ(x.next_sequence, 3);
  auto late = started(ticket);
  EXPECT_EQ(late.state, process_state::complete);
  EXPECT_EQ(late.exit_code, exit_cancelled);
  EXPECT_TRUE(says(late, output_source::err, "before it was started"));
  EXPECT_TRUE(cluster.created.empty());
  EXPECT_TRUE(store.prepared.empty());
}

} // namespace

} // namespace cuttle::test
