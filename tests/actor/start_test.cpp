// StartScript: once a ticket, within the limits, and what a failure leaves.

#include "actor_fixture.hpp"

namespace cuttle::test {

namespace {

using StartTest = intake_fixture;

const script_ticket ticket{"Ticket-1"};
const script_ticket other{"Ticket-2"};
const std::string pod_name = "octopus-script-ticket-1";

TEST_F(StartTest, TheSameStartTwiceMakesOnePod_RPC01_SVC07) {
  load();
  started(ticket);
  cluster.run(ticket);
  cluster.write_lines(ticket, 2);
  serve();
  status(ticket);
  auto again = started(ticket);
  EXPECT_EQ(again.state, process_state::running);
  EXPECT_EQ(texts(again, output_source::out), numbered(1, 2))
    << "answered from sequence 0";
  EXPECT_EQ(cluster.created[pod_name], 1);
  EXPECT_EQ(store.prepared.size(), 1u);
}

TEST_F(StartTest, TheSameStartInOtherCaseMakesOnePod_RPC01_SVC07) {
  load();
  started(ticket);
  auto again = started(script_ticket{"TICKET-1"});
  EXPECT_EQ(again.state, process_state::pending);
  EXPECT_EQ(cluster.created.size(), 1u);
  EXPECT_EQ(store.prepared.size(), 1u);
  EXPECT_EQ(summary().operations.size(), 1u);
}

TEST_F(StartTest, StartsAtTheSameTimeMakeOnePod_RPC02_SVC08) {
  load();
  auto first = start(ticket);
  auto second = start(ticket);
  auto third = start(script_ticket{"tICKET-1"});
  serve();
  EXPECT_TRUE(first->value);
  EXPECT_TRUE(second->value);
  EXPECT_TRUE(third->value);
  EXPECT_EQ(cluster.created[pod_name], 1);
  EXPECT_EQ(store.prepared.size(), 1u);
}

TEST_F(StartTest, TheSameStartAfterTheEndAnswersItAndStartsNothing_SVC09) {
  load();
  started(ticket);
  cluster.run(ticket);
  cluster.write_lines(ticket, 2);
  cluster.write_end(ticket, 7);
  cluster.finish(ticket, 7);
  serve();
  ASSERT_EQ(status(ticket).state, process_state::complete);
  auto again = started(ticket);
  EXPECT_EQ(again.state, process_state::complete);
  EXPECT_EQ(again.exit_code, 7);
  EXPECT_EQ(texts(again, output_source::out), numbered(1, 2));
  EXPECT_EQ(cluster.created[pod_name], 1);
  EXPECT_EQ(store.prepared.size(), 1u);
}

TEST_F(StartTest, TwoScriptsWithoutIsolationRunAtTheSameTime_SVC42) {
  load();
  started(ticket);
  started(other);
  cluster.run(ticket);
  cluster.run(other);
  serve();
  EXPECT_EQ(status(ticket).state, process_state::running);
  EXPECT_EQ(status(other).state, process_state::running);
}

TEST_F(StartTest, OtherTicketsDoNotWait_RPC02) {
  load();
  auto first = start(ticket);
  settle();
  EXPECT_EQ(store.open(), 1u);
  auto second = start(other);
  settle();
  EXPECT_EQ(store.open(), 2u);
  serve();
  EXPECT_TRUE(first->value);
  EXPECT_TRUE(second->value);
}

TEST_F(StartTest,
       AFailedCreationIsAnErrorAndTheSameTicketWorksAfterwards_RPC05_SVC17) {
  load();
  auto reply = start(ticket);
  settle();
  store.serve();
  settle();
  cluster.refuse_creation(ticket, {errc::forbidden, "quota exceeded"});
  serve();
  ASSERT_TRUE(reply->error);
  EXPECT_EQ(reply->error->code, errc::forbidden);
  EXPECT_EQ(reply->error->text, "quota exceeded");
  EXPECT_TRUE(store.workspaces.empty()) << "the workspace is removed";
  EXPECT_TRUE(summary().operations.empty());
  EXPECT_EQ(started(ticket).state, process_state::pending);
  EXPECT_EQ(cluster.created[pod_name], 1);
}

TEST_F(StartTest,
       AFailedWorkspaceIsAnErrorAndTheSameTicketWorksAfterwards_RPC05_SVC17) {
  load();
  store.preparation_failure = {errc::overloaded, "the volume is full"};
  auto reply = start(ticket);
  serve();
  ASSERT_TRUE(reply->error);
  EXPECT_EQ(reply->error->code, errc::overloaded);
  EXPECT_TRUE(cluster.created.empty());
  store.preparation_failure = {};
  EXPECT_EQ(started(ticket).state, process_state::pending);
}

TEST_F(StartTest, RefusesATicketThatNoPathMayHave) {
  load();
  for (auto* text : {"", "..", "a/b", "a b", "tick\net"}) {
    auto reply = start(script_ticket{text});
    serve();
    ASSERT_TRUE(reply->error) << text;
    EXPECT_EQ(reply->error->code, errc::invalid_request);
  }
  EXPECT_TRUE(store.prepared.empty());
}

TEST_F(StartTest, RefusesMoreOperationsThanTheLimitWithoutAQueue) {
  settings->operations_limit = 1;
  settings->queue_limit = 0;
  load();
  started(ticket);
  auto reply = start(other);
  serve();
  ASSERT_TRUE(reply->error);
  EXPECT_EQ(reply->error->code, errc::overloaded);
  EXPECT_NE(reply->error->text.find("CUTTLE_OPERATIONS_LIMIT"),
            std::string::npos);
  complete(ticket);
  EXPECT_EQ(started(other).state, process_state::pending);
}

TEST_F(StartTest, ASecondCreationWaitsForTheOnlySlot) {
  settings->creations_limit = 1;
  load();
  auto first = start(ticket);
  auto second = start(other);
  settle();
  EXPECT_EQ(store.prepared, std::vector<std::string>{"Ticket-1"});
  EXPECT_EQ(summary().queued, 1u);
  store.serve();
  settle();
  EXPECT_EQ(store.prepared.size(), 1u);
  cluster.accept_creation(ticket);
  settle();
  EXPECT_TRUE(first->value);
  EXPECT_EQ(store.prepared.size(), 2u);
  EXPECT_EQ(summary().queued, 0u);
  serve();
  EXPECT_TRUE(second->value);
}

TEST_F(StartTest, AFailedCreationFreesItsSlot) {
  settings->creations_limit = 1;
  load();
  auto first = start(ticket);
  auto second = start(other);
  settle();
  store.serve();
  settle();
  cluster.refuse_creation(ticket, {errc::forbidden, "no"});
  serve();
  EXPECT_TRUE(first->error);
  EXPECT_TRUE(second->value);
}

TEST_F(StartTest, AScriptCancelledWhileItWaitsGivesItsSlotToTheNext) {
  settings->creations_limit = 1;
  load();
  auto first = start(ticket);
  auto second = start(other);
  auto third = start(script_ticket{"Ticket-3"});
  settle();
  cancelled(other);
  serve();
  EXPECT_TRUE(first->value);
  EXPECT_TRUE(third->value) << "the slot of a cancelled script is lost";
  EXPECT_EQ(store.prepared, (std::vector<std::string>{"Ticket-1", "Ticket-3"}));
}

TEST_F(StartTest, ARebuiltScriptDoesNotTakeItsOldPlaceInTheQueue) {
  settings->creations_limit = 1;
  load();
  auto first = start(ticket);
  auto second = start(other);
  settle();
  // The pod is there already, from an attempt before.
  cluster.add(other);
  cluster.announce(other);
  settle();
  auto thrown = false;
  on_step = [&](std::string_view step, const script_ticket& x) {
    if (step == "operation.get_status" && x == other
        && !std::exchange(thrown, true))
      throw std::runtime_error("the test breaks it");
  };
  ask(intake, get_status{other, 0});
  settle();
  ASSERT_TRUE(thrown);
  serve();
  EXPECT_TRUE(first->value);
  EXPECT_EQ(store.prepared, std::vector<std::string>{"Ticket-1"});
  EXPECT_EQ(summary().operations.size(), 2u);
  EXPECT_EQ(summary().queued, 0u);
}

TEST_F(StartTest, ABrokenStartThatIsRepeatedCreatesOnceOnly_RPC01) {
  settings->creations_limit = 1;
  load();
  auto first = start(ticket);
  settle();
  auto thrown = false;
  on_step = [&](std::string_view step, const script_ticket& x) {
    if (step == "operation.start" && x == other && !std::exchange(thrown, true))
      throw std::runtime_error("the test breaks it");
  };
  auto broken = start(other);
  settle();
  EXPECT_TRUE(broken->error);
  auto second = start(other);
  settle();
  EXPECT_EQ(summary().queued, 1u) << "it waits once";
  serve();
  EXPECT_TRUE(second->value);
  EXPECT_EQ(store.prepared, (std::vector<std::string>{"Ticket-1", "Ticket-2"}));
}

TEST_F(StartTest, RefusesNewScriptsWhileItDrains) {
  load();
  started(ticket);
  caf::anon_send(intake, drain_atom_v);
  settle();
  auto reply = start(other);
  serve();
  ASSERT_TRUE(reply->error);
  EXPECT_EQ(reply->error->code, errc::shutting_down);
  EXPECT_EQ(started(ticket).state, process_state::pending)
    << "known ones go on";
  EXPECT_TRUE(summary().draining);
}

TEST_F(StartTest, RefusesScriptsUntilThePodsAreLoaded_MON06) {
  intake = spawn_task_intake(parent(), context, health);
  auto reply = start(ticket);
  auto asked = ask(intake, get_status{ticket, 4});
  auto cancel = ask(intake, cancel_script{ticket, 4});
  settle();
  for (auto& x : {reply, asked, cancel}) {
    ASSERT_TRUE(x->error);
    EXPECT_EQ(x->error->code, errc::unavailable);
  }
}

TEST_F(StartTest, AnswersPendingWhenTheCreationTakesLongAndGoesOn_RPC03_SVC06) {
  load();
  auto reply = start(ticket);
  settle();
  store.serve();
  settle();
  advance(patience->rpc - 1ms);
  EXPECT_FALSE(reply->done);
  advance(1ms);
  EXPECT_FALSE(reply->done) << "a restart would lose it";
  store.serve();
  settle();
  ASSERT_TRUE(reply->done);
  EXPECT_EQ((*reply)->state, process_state::pending);
  EXPECT_TRUE(says(*reply->value, output_source::debug, "goes on trying"));
  serve();
  cluster.run(ticket);
  serve();
  EXPECT_EQ(status(ticket).state, process_state::running);
  EXPECT_EQ(cluster.created[pod_name], 1);
}

TEST_F(StartTest, ACreationThatFailsAfterTheAnswerEndsTheScriptWithItsCause) {
  load();
  auto reply = start(ticket);
  settle();
  store.serve();
  settle();
  advance(patience->rpc);
  store.serve();
  settle();
  ASSERT_TRUE(reply->value);
  cluster.refuse_creation(ticket, {errc::forbidden, "admission said no"});
  serve();
  auto last = status(ticket);
  EXPECT_EQ(last.state, process_state::complete);
  EXPECT_EQ(last.exit_code, exit_fatal);
  EXPECT_TRUE(says(last, output_source::err, "admission said no"));
  EXPECT_TRUE(store.workspaces.empty());
  EXPECT_TRUE(store.requests.empty()) << "a restart would run it";
}

TEST_F(StartTest, BringsThePullSecretOfTheFeedFirst_SEC01_SVC20) {
  load();
  auto with_feed = command(ticket);
  with_feed.image = pod_image{"registry.test/tools:1", "https://registry.test",
                              "user", "secret-word"};
  auto reply = ask(intake, with_feed);
  serve();
  EXPECT_TRUE(reply->value);
  ASSERT_EQ(cluster.secrets.size(), 1u);
  EXPECT_EQ(cluster.created[pod_name], 1);
}

} // namespace

} // namespace cuttle::test
