// A worker that comes up finds the pods of the one before it.

#include "actor_fixture.hpp"

namespace cuttle::test {

namespace {

using AdoptionTest = intake_fixture;

const script_ticket ticket{"Ticket-1"};
const std::string pod_name = "octopus-script-ticket-1";

TEST_F(AdoptionTest, ARunningScriptGoesOnWithEachLineOnce_RST01) {
  load();
  started(ticket);
  cluster.run(ticket);
  cluster.write_lines(ticket, 50);
  serve();
  auto before = status(ticket);
  EXPECT_EQ(before.next_sequence, 50);
  restart();
  auto first = status(ticket, 50);
  EXPECT_NE(first.state, process_state::complete);
  EXPECT_TRUE(texts(first, output_source::out).empty());
  cluster.write_lines(ticket, 50);
  cluster.write_end(ticket, 0);
  cluster.finish(ticket, 0);
  serve();
  auto after = status(ticket, first.next_sequence);
  EXPECT_EQ(after.state, process_state::complete);
  EXPECT_EQ(after.exit_code, 0);
  EXPECT_EQ(texts(after, output_source::out), numbered(51, 100));
  EXPECT_EQ(cluster.created[pod_name], 1);
}

TEST_F(AdoptionTest, LinesThatTheServerHasNotConfirmedComeAgain_RST01_SVC24) {
  load();
  started(ticket);
  cluster.run(ticket);
  cluster.write_lines(ticket, 10);
  serve();
  // The answer with all ten is lost with the worker.
  status(ticket, 4);
  restart();
  status(ticket, 4);
  serve();
  EXPECT_EQ(texts(status(ticket, 4), output_source::out), numbered(5, 10));
}

TEST_F(AdoptionTest, ARepeatedStartScriptFindsThePod_RST02_SVC10) {
  load();
  started(ticket);
  cluster.run(ticket);
  cluster.write_lines(ticket, 3);
  restart();
  auto again = started(ticket);
  EXPECT_NE(again.state, process_state::complete);
  EXPECT_EQ(texts(status(ticket), output_source::out), numbered(1, 3));
  EXPECT_EQ(cluster.created[pod_name], 1);
  EXPECT_EQ(store.prepared.size(), 1u);
}

TEST_F(AdoptionTest, APodWhoseStartWasNeverAnsweredIsNotMadeTwice_RST02_SVC10) {
  load();
  start(ticket);
  settle();
  store.serve();
  settle();
  ASSERT_EQ(cluster.created[pod_name], 1);
  restart();
  EXPECT_EQ(started(ticket).state, process_state::pending);
  EXPECT_EQ(cluster.created[pod_name], 1);
}

TEST_F(AdoptionTest, AFinishedScriptHasItsCodeAndItsLines_RST04_SVC49) {
  load();
  started(ticket);
  cluster.run(ticket);
  cluster.write_lines(ticket, 20);
  cluster.write_end(ticket, 9);
  cluster.finish(ticket, 9);
  serve();
  restart();
  EXPECT_EQ(status(ticket, 15).state, process_state::running)
    << "the rest of its log is to be read";
  serve();
  auto last = status(ticket, 15);
  EXPECT_EQ(last.state, process_state::complete);
  EXPECT_EQ(last.exit_code, 9);
  EXPECT_EQ(texts(last, output_source::out), numbered(16, 20));
}

TEST_F(AdoptionTest, APodDeletedWhileNoWorkerWasThereIsNotFound_SVC48) {
  load();
  started(ticket);
  cluster.run(ticket);
  cluster.write_lines(ticket, 5);
  serve();
  EXPECT_EQ(status(ticket).next_sequence, 5);
  cluster.pods.clear();
  restart();
  auto x = status(ticket, 5);
  EXPECT_EQ(x.state, process_state::complete);
  EXPECT_EQ(x.exit_code, exit_pod_not_found);
  EXPECT_EQ(x.next_sequence, 5);
  EXPECT_EQ(texts(x, output_source::err).size(), 6u);
}

TEST_F(AdoptionTest, ReadsNoLogBeforeTheServerSaysFromWhere_RST04) {
  cluster.add(ticket);
  load();
  cluster.run(ticket);
  serve();
  EXPECT_TRUE(cluster.follows.empty());
  status(ticket, 0);
  serve();
  EXPECT_EQ(cluster.follows.size(), 1u);
}

TEST_F(AdoptionTest, ACancellationInMemoryIsForgotten_RST03) {
  load();
  started(ticket);
  cluster.run(ticket);
  serve();
  cluster.deletion_failure = {errc::unavailable, "no API server"};
  cancelled(ticket);
  restart();
  EXPECT_EQ(status(ticket).state, process_state::running);
}

TEST_F(AdoptionTest, ACompletedScriptCanBeCompletedByTheNextWorker_RPC13) {
  load();
  started(ticket);
  restart();
  EXPECT_TRUE(complete(ticket)->value);
  EXPECT_EQ(cluster.find(ticket), nullptr);
  EXPECT_TRUE(store.workspaces.empty());
}

TEST_F(AdoptionTest, APodThatTheListMissesIsConfirmedByItsName_MON05) {
  load();
  started(ticket);
  auto& keep = cluster.at(ticket);
  auto copy = keep;
  cluster.pods.clear();
  cluster.list();
  settle();
  ASSERT_EQ(cluster.lookups.size(), 1u);
  EXPECT_EQ(cluster.lookups[0].name, pod_name);
  // It is there: the list was old.
  cluster.pods[pod_name] = copy;
  serve();
  EXPECT_EQ(status(ticket).state, process_state::pending);
}

TEST_F(AdoptionTest, APodThatIsReallyMissingEndsItsScript_MON05) {
  load();
  started(ticket);
  cluster.run(ticket);
  serve();
  status(ticket);
  cluster.pods.clear();
  cluster.list();
  serve();
  advance(patience->log_end);
  auto last = status(ticket);
  EXPECT_EQ(last.state, process_state::complete);
  EXPECT_EQ(last.exit_code, exit_pod_not_found);
  EXPECT_TRUE(says(last, output_source::err, "could not be found"));
}

TEST_F(AdoptionTest, APodThatTheWatchNeverShowedIsConfirmedToo_MON05_MON08) {
  load();
  auto reply = start(ticket);
  settle();
  store.serve();
  settle();
  cluster.accept_creation(ticket);
  settle();
  ASSERT_TRUE(reply->value);
  // Deleted before the watch saw it.
  cluster.pods.clear();
  cluster.list();
  serve();
  auto last = status(ticket);
  EXPECT_EQ(last.state, process_state::complete);
  EXPECT_EQ(last.exit_code, exit_pod_not_found);
}

TEST_F(AdoptionTest, AnUnansweredLookupDecidesNothing_MON05_SVC58) {
  load();
  started(ticket);
  auto copy = cluster.at(ticket);
  cluster.pods.clear();
  cluster.list();
  settle();
  ASSERT_EQ(cluster.lookups.size(), 1u);
  auto done = std::move(cluster.lookups[0].done);
  cluster.lookups.clear();
  done(fail(errc::unavailable, "the API server does not answer"));
  settle();
  EXPECT_EQ(status(ticket).state, process_state::pending);
}

TEST_F(AdoptionTest, ADeletedPodEndsItsScriptWithTheSixLines_RPC09) {
  load();
  started(ticket);
  status(ticket);
  cluster.remove(ticket);
  serve();
  auto last = status(ticket);
  EXPECT_EQ(last.state, process_state::complete);
  EXPECT_EQ(last.exit_code, exit_pod_not_found);
  EXPECT_EQ(texts(last, output_source::err).size(), 6u);
}

TEST_F(AdoptionTest, ADeletedPodThatHadEndedKeepsItsCode_MON07) {
  cluster.add(ticket);
  load();
  cluster.run(ticket);
  cluster.write_lines(ticket, 1);
  cluster.finish(ticket, 6);
  cluster.remove(ticket);
  serve();
  auto last = status(ticket);
  EXPECT_EQ(last.state, process_state::complete);
  EXPECT_EQ(last.exit_code, 6);
  EXPECT_TRUE(says(last, output_source::err, "output of the script is gone"));
}

TEST_F(AdoptionTest, AnotherPodOfTheSameNameIsNotTheScript_MON05) {
  load();
  started(ticket);
  cluster.pods.clear();
  cluster.add(ticket);
  cluster.list();
  cluster.pods.clear();
  cluster.list();
  settle();
  cluster.add(ticket);
  serve();
  auto last = status(ticket);
  EXPECT_EQ(last.state, process_state::complete);
  EXPECT_EQ(last.exit_code, exit_pod_not_found);
}

TEST_F(AdoptionTest, APodOfACompletedTicketIsRemoved_RPC13) {
  load();
  started(ticket);
  cluster.deletion_failure = {errc::unavailable, "no API server"};
  complete(ticket);
  ASSERT_NE(cluster.find(ticket), nullptr);
  cluster.deletion_failure = {};
  cluster.list();
  settle();
  advance(patience->stray);
  serve();
  EXPECT_EQ(cluster.find(ticket), nullptr);
  EXPECT_TRUE(summary().operations.empty());
}

TEST_F(AdoptionTest, APodOnItsWayOutIsNotAdopted) {
  cluster.add(ticket).snapshot.deleting = true;
  load();
  EXPECT_TRUE(summary().operations.empty());
  EXPECT_EQ(status(ticket).exit_code, exit_pod_not_found);
}

} // namespace

} // namespace cuttle::test
