// Scripts beyond the limit of operations wait on the volume and take turns.

#include "queue_fixture.hpp"

namespace cuttle::test {

namespace {

using QueueTest = queue_fixture;

TEST_F(QueueTest, AScriptBeyondTheLimitWaitsAndBeginsWhenAnotherIsCompleted) {
  fill();
  auto reply = start(queued);
  settle();
  EXPECT_FALSE(reply->done) << "it could be lost before it is on the volume";
  serve();
  ASSERT_TRUE(reply->value);
  EXPECT_EQ((*reply)->state, process_state::pending);
  EXPECT_EQ((*reply)->next_sequence, 0);
  EXPECT_TRUE(says(*reply->value, output_source::out,
                   "waits at place 1 of 1: 1 of 1 operations run "
                   "(CUTTLE_OPERATIONS_LIMIT)"));
  EXPECT_TRUE(store.requests.contains(queued.key()));
  EXPECT_FALSE(begun(queued));
  EXPECT_EQ(summary().waiting, 1u);
  EXPECT_EQ(status(queued).state, process_state::pending);
  complete(running);
  EXPECT_TRUE(begun(queued));
  EXPECT_FALSE(store.requests.contains(queued.key()))
    << "the pod is what is known of it now";
  EXPECT_TRUE(store.workspaces.contains(queued.key()));
  cluster.run(queued);
  cluster.write_lines(queued, 2);
  cluster.write_end(queued, 0);
  cluster.finish(queued, 0);
  serve();
  auto end = status(queued);
  EXPECT_EQ(end.state, process_state::complete);
  EXPECT_EQ(texts(end, output_source::out).back(), "line 2");
  EXPECT_TRUE(says(end, output_source::debug, "for its turn"));
  complete(queued);
  expect_nothing_of(queued);
}

TEST_F(QueueTest, TheTaskLogGetsANewPlaceWhenItChangesAndNotTooOften) {
  fill();
  std::vector<answer_ptr<script_status>> replies;
  for (int i = 0; i < 4; ++i)
    replies.push_back(start({"Queued-" + std::to_string(i)}));
  serve();
  const script_ticket last{"Queued-3"};
  EXPECT_TRUE(says(*replies[3]->value, output_source::out, "place 4 of 4"));
  EXPECT_TRUE(status(last).lines.empty()) << "nothing has changed";
  cancelled({"Queued-0"});
  EXPECT_TRUE(status(last).lines.empty()) << "so soon";
  advance(patience->queue_line);
  EXPECT_TRUE(says(status(last), output_source::out, "place 3 of 3"));
  EXPECT_TRUE(status(last).lines.empty());
  cancelled({"Queued-1"});
  advance(patience->queue_line);
  auto lines = texts(status(last), output_source::out);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0], "##octopus[stdout-wait]");
  EXPECT_NE(lines[1].find("place 2 of 2"), std::string::npos);
  EXPECT_EQ(lines[2], "##octopus[stdout-default]");
}

TEST_F(QueueTest, AFloodingProjectStarvesNobody) {
  fill();
  for (int i = 0; i < 100; ++i)
    start_of("flood", "Flood-" + std::to_string(i));
  serve();
  for (auto* project : {"One", "Two", "Three"})
    start_of(project, std::string{project} + "-0");
  serve();
  EXPECT_EQ(summary().waiting, 103u);
  std::vector<std::string> order;
  auto now_running = running;
  for (int i = 0; i < 103; ++i) {
    complete(now_running);
    ASSERT_EQ(cluster.pods.size(), 1u) << "one after the other";
    now_running = cluster.pods.begin()->second.snapshot.ticket;
    order.push_back(now_running.task_id);
  }
  for (auto* other : {"One-0", "Two-0", "Three-0"})
    EXPECT_LT(std::find(order.begin(), order.end(), other) - order.begin(), 4)
      << other;
  EXPECT_EQ(order.back(), "Flood-99") << "and nothing of the flood is lost";
  EXPECT_EQ(summary().waiting, 0u);
}

TEST_F(QueueTest, AHealthCheckGoesFirst) {
  fill();
  // The worker keeps a few places for them.
  for (int i = 0; i < 4; ++i)
    ask(intake, health_check("Health-" + std::to_string(i)));
  serve();
  EXPECT_EQ(cluster.pods.size(), 5u);
  start(queued);
  auto check = ask(intake, health_check("Health-4"));
  serve();
  EXPECT_FALSE(begun({"Health-4"}));
  EXPECT_TRUE(says(*check->value, output_source::out, "place 1 of 2"));
  complete({"Health-0"});
  EXPECT_TRUE(begun({"Health-4"}));
  EXPECT_FALSE(begun(queued));
}

TEST_F(QueueTest, ACancelledOneEndsAtOnceAndLeavesNothing_RPC11_SVC35) {
  fill();
  start(queued);
  serve();
  auto end = cancelled(queued);
  EXPECT_EQ(end.state, process_state::complete);
  EXPECT_EQ(end.exit_code, exit_cancelled);
  EXPECT_TRUE(says(end, output_source::out, "Script execution canceled."));
  expect_nothing_of(queued);
  EXPECT_EQ(cancelled(queued).exit_code, exit_cancelled) << "asked again";
  EXPECT_EQ(status(queued).exit_code, exit_cancelled);
  EXPECT_EQ(started(queued).exit_code, exit_cancelled) << "a late repetition";
  complete(queued);
  complete(running);
  serve();
  expect_nothing_of(queued);
}

TEST_F(QueueTest, ACompletedOneLeavesNothing_RPC13) {
  fill();
  start(queued);
  serve();
  EXPECT_TRUE(complete(queued)->value);
  expect_nothing_of(queued);
  complete(running);
  serve();
  expect_nothing_of(queued);
}

TEST_F(QueueTest, ACancellationWhileTheRequestIsWrittenWins_SVC35_SVC38) {
  fill();
  auto reply = start(queued);
  settle();
  auto end = ask(intake, cancel_script{queued, 0});
  settle();
  EXPECT_FALSE(end->done);
  serve();
  EXPECT_TRUE(reply->done);
  EXPECT_EQ((*end)->exit_code, exit_cancelled);
  expect_nothing_of(queued);
  complete(running);
  expect_nothing_of(queued);
}

TEST_F(QueueTest, ACancellationWhileTheRequestIsReadWins_SVC35) {
  fill();
  start(queued);
  serve();
  auto done = ask<bool>(intake, complete_script{running});
  settle();
  // (both the pod and the workspace of the other are gone, and it is its turn)
  cluster.serve();
  store.serve();
  settle();
  ASSERT_EQ(store.loaded, std::vector<std::string>{"Queued-1"});
  auto end = ask(intake, cancel_script{queued, 0});
  settle();
  serve();
  EXPECT_EQ((*end)->exit_code, exit_cancelled);
  expect_nothing_of(queued);
  EXPECT_TRUE(cluster.created.size() == 1);
}

TEST_F(QueueTest, TheSameStartTwiceWaitsOnce_RPC01) {
  fill();
  auto first = start(queued);
  settle();
  auto second = start(script_ticket{"QUEUED-1"});
  serve();
  EXPECT_TRUE(first->value);
  EXPECT_TRUE(second->value);
  auto third = started(queued);
  EXPECT_EQ(third.state, process_state::pending);
  EXPECT_TRUE(says(third, output_source::out, "place 1 of 1"));
  EXPECT_EQ(store.kept_tickets.size(), 1u);
  complete(running);
  EXPECT_EQ(cluster.created["octopus-script-queued-1"], 1);
}

} // namespace

} // namespace cuttle::test
