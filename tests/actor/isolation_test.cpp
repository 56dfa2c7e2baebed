// Locks by name: who waits for whom, and what the task log says about it.

#include "actor_fixture.hpp"
#include "actors/isolation.hpp"

namespace cuttle::test {

namespace {

using claim = isolation_locks::claim;

claim reader(const std::string& ticket, const std::string& task = "T-1") {
  return {ticket, task, isolation_level::none, "m"};
}

claim writer(const std::string& ticket, const std::string& task = "T-1") {
  return {ticket, task, isolation_level::full, "m"};
}

constexpr auto end_of_sentence = "requires that no other Octopus scripts are "
                                 "executing on this target at the same time.";

TEST(IsolationLocks, LetReadersInTogetherAndWritersAlone_ISO01) {
  isolation_locks locks;
  EXPECT_TRUE(locks.take(reader("a")));
  EXPECT_TRUE(locks.take(reader("b")));
  EXPECT_FALSE(locks.take(writer("c")));
  EXPECT_TRUE(locks.release("a").empty());
  EXPECT_EQ(locks.release("b"), std::vector<std::string>{"c"});
  EXPECT_FALSE(locks.take(writer("d")));
  EXPECT_FALSE(locks.take(reader("e")));
  EXPECT_TRUE(locks.take({"f", "T-1", isolation_level::full, "other name"}));
  EXPECT_EQ(locks.release("c"), std::vector<std::string>{"d"});
  EXPECT_EQ(locks.release("d"), std::vector<std::string>{"e"});
}

TEST(IsolationLocks, ServeInTheOrderOfComing_ISO01) {
  isolation_locks locks;
  EXPECT_TRUE(locks.take(reader("a")));
  EXPECT_FALSE(locks.take(writer("b")));
  EXPECT_FALSE(locks.take(reader("c"))) << "a writer is not starved";
  EXPECT_FALSE(locks.take(reader("d")));
  EXPECT_EQ(locks.waiting(), 3u);
  EXPECT_EQ(locks.release("a"), std::vector<std::string>{"b"});
  EXPECT_EQ(locks.release("b"), (std::vector<std::string>{"c", "d"}));
  EXPECT_EQ(locks.waiting(), 0u);
}

TEST(IsolationLocks, ForgetWhoGivesUp_ISO01) {
  isolation_locks locks;
  EXPECT_TRUE(locks.take(reader("a")));
  EXPECT_FALSE(locks.take(writer("b")));
  EXPECT_FALSE(locks.take(reader("c")));
  EXPECT_TRUE(locks.waits("b"));
  EXPECT_EQ(locks.release("b"), std::vector<std::string>{"c"});
  EXPECT_FALSE(locks.waits("b"));
  EXPECT_TRUE(locks.release("b").empty());
  EXPECT_TRUE(locks.release("never seen").empty());
}

TEST(IsolationLocks, SayForWhomTheyWait_ISO03) {
  isolation_locks locks;
  locks.take(reader("a", "T-2"));
  locks.take(writer("b", "T-1"));
  EXPECT_EQ(locks.busy_text("b"),
            std::string{"Waiting for the script in task [T-2](~/app#/tasks/"
                        "T-2) to finish as this script "}
              + end_of_sentence);
  EXPECT_EQ(locks.busy_text("a"), "") << "it does not wait";
  locks.release("a");
  locks.take(reader("c", "T-3"));
  EXPECT_EQ(locks.busy_text("c"),
            std::string{"Waiting for the script in task [T-1](~/app#/tasks/"
                        "T-1) to finish as that script "}
              + end_of_sentence);
}

TEST(IsolationLocks, SayThatTheirOwnTaskHoldsTheLock_ISO03) {
  isolation_locks locks;
  locks.take(reader("a", "T-1"));
  locks.take(writer("b", "T-1"));
  EXPECT_EQ(locks.busy_text("b"),
            std::string{"Waiting on another script in this task to finish as "
                        "this task "}
              + end_of_sentence);
  locks.release("a");
  locks.take(reader("c", "T-1"));
  EXPECT_EQ(locks.busy_text("c"),
            std::string{"Waiting on another script in this task to finish as "
                        "another task "}
              + end_of_sentence);
}

TEST(IsolationLocks, ListSeveralHoldersSorted_ISO03) {
  isolation_locks locks;
  locks.take(reader("a", "T-9"));
  locks.take(reader("b", "T-1"));
  locks.take(reader("c", "T-5"));
  locks.take(writer("d", "T-5"));
  EXPECT_EQ(locks.busy_text("d"),
            std::string{"Waiting on scripts in tasks [T-1](~/app#/tasks/T-1), "
                        "This Task and [T-9](~/app#/tasks/T-9) to finish. This "
                        "script "}
              + end_of_sentence);
  EXPECT_EQ(locks.cancelled_text("d"),
            "This task was canceled before it could start. Tasks "
            "[T-1](~/app#/tasks/T-1), This Task and [T-9](~/app#/tasks/T-9) "
            "are still running.");
  EXPECT_EQ(locks.timed_out_text("d", 90min),
            "This task waited more than 90 minutes and timed out. Tasks "
            "[T-1](~/app#/tasks/T-1), This Task and [T-9](~/app#/tasks/T-9) "
            "are still running.");
}

class IsolationTest : public intake_fixture {
protected:
  start_script exclusive(const script_ticket& ticket, const std::string& task) {
    auto result = command(ticket);
    result.task_id = task;
    result.isolation = isolation_level::full;
    result.isolation_mutex_name = "deploy";
    return result;
  }
};

const script_ticket first{"First-1"};
const script_ticket second{"Second-1"};

TEST_F(IsolationTest, SaysWhichLockItTakesFirstOfAll_ISO03_ISO05_POD26) {
  load();
  auto lines = started(first).lines;
  ASSERT_GT(lines.size(), 4u);
  EXPECT_EQ(lines[0].text, "##octopus[stdout-verbose]");
  EXPECT_EQ(lines[1].text, "Acquiring isolation mutex RunningScript with "
                           "NoIsolation in ServerTasks-1");
  EXPECT_EQ(lines[2].text, "##octopus[stdout-default]");
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(lines[static_cast<std::size_t>(i)].source, output_source::out);
  EXPECT_EQ(lines[3].text, "Creating Kubernetes Pod 'octopus-script-first-1'.");
}

TEST_F(IsolationTest, IsHeldForTheCreationOnlySoThatScriptsOverlap_ISO02) {
  load();
  auto a = ask(intake, exclusive(first, "ServerTasks-1"));
  settle();
  auto b = ask(intake, exclusive(second, "ServerTasks-2"));
  settle();
  EXPECT_EQ(store.prepared, std::vector<std::string>{"First-1"})
    << "the second waits for the first one's creation";
  serve();
  EXPECT_TRUE(a->value);
  EXPECT_TRUE(b->value) << "while the first one's script still runs";
  EXPECT_EQ(cluster.created.size(), 2u);
  EXPECT_TRUE(texts(*b->value, output_source::out).size() == 3)
    << "a short wait is not worth a line";
}

TEST_F(IsolationTest,
       SaysSoWhenALockIsBusyAndAgainEveryTenMinutes_ISO03_SVC06) {
  load();
  ask(intake, exclusive(first, "ServerTasks-1"));
  settle();
  auto b = ask(intake, exclusive(second, "ServerTasks-2"));
  settle();
  advance(99ms);
  advance(1ms);
  advance(20s);
  store.serve();
  settle();
  ASSERT_TRUE(b->value) << "the answer does not wait for the lock";
  auto out = texts(*b->value, output_source::out);
  ASSERT_EQ(out.size(), 6u);
  EXPECT_EQ(out[3], "##octopus[stdout-wait]");
  EXPECT_EQ(out[4], "Waiting for the script in task [ServerTasks-1](~/app#/"
                    "tasks/ServerTasks-1) to finish as this script requires "
                    "that no other Octopus scripts are executing on this "
                    "target at the same time.");
  EXPECT_EQ(out[5], "##octopus[stdout-default]");
  EXPECT_FALSE(says(status(second), output_source::out, "Waiting for"));
  advance(10min);
  EXPECT_TRUE(says(status(second), output_source::out, "Waiting for"));
}

TEST_F(IsolationTest, BlocksNoOtherRequestMeanwhile_ISO04_RPC04) {
  load();
  ask(intake, exclusive(first, "ServerTasks-1"));
  settle();
  auto b = ask(intake, exclusive(second, "ServerTasks-2"));
  settle();
  EXPECT_FALSE(b->done);
  // Status of the one that waits, and a whole script beside.
  EXPECT_EQ(status(second).state, process_state::pending);
  auto other = start(script_ticket{"Other-1"});
  settle();
  EXPECT_EQ(store.prepared.size(), 2u);
}

TEST_F(IsolationTest, EndsTheStartWhenTheWaitTookTooLong_ISO03) {
  load();
  ask(intake, exclusive(first, "ServerTasks-1"));
  settle();
  auto impatient = exclusive(second, "ServerTasks-2");
  impatient.isolation_timeout = 5s;
  auto b = ask(intake, impatient);
  settle();
  advance(4s);
  EXPECT_FALSE(b->done);
  advance(1s);
  ASSERT_TRUE(b->error);
  EXPECT_EQ(b->error->text,
            "This task waited more than 0 minutes and timed out. Task "
            "[ServerTasks-1](~/app#/tasks/ServerTasks-1) is still running.");
  serve();
  EXPECT_EQ(cluster.created.size(), 1u);
  EXPECT_EQ(summary().operations.size(), 1u);
}

TEST_F(IsolationTest, IsATimeoutAlsoWhenTheStartWasAnsweredBefore_RPC03) {
  load();
  ask(intake, exclusive(first, "ServerTasks-1"));
  settle();
  auto patient = exclusive(second, "ServerTasks-2");
  patient.isolation_timeout = patience->rpc + 10s;
  auto b = ask(intake, patient);
  settle();
  advance(patience->rpc);
  store.serve();
  settle();
  ASSERT_TRUE(b->value);
  EXPECT_EQ((*b)->state, process_state::pending);
  advance(10s);
  EXPECT_EQ(status(second).state, process_state::pending)
    << "its request is still on the volume";
  store.serve();
  settle();
  EXPECT_FALSE(store.requests.contains(second.key()));
  auto end = status(second);
  EXPECT_EQ(end.state, process_state::complete);
  EXPECT_EQ(end.exit_code, exit_timeout);
  EXPECT_TRUE(says(end, output_source::err, "and timed out"));
  serve();
  EXPECT_EQ(cluster.created.size(), 1u);
}

TEST_F(IsolationTest, IsHeldByNobodyAfterAFailedStart_SVC17) {
  load();
  auto a = ask(intake, exclusive(first, "ServerTasks-1"));
  settle();
  auto b = ask(intake, exclusive(second, "ServerTasks-2"));
  settle();
  store.serve();
  settle();
  cluster.refuse_creation(first, {errc::forbidden, "no"});
  serve();
  EXPECT_TRUE(a->error);
  EXPECT_TRUE(b->value) << "the lock is still held";
  EXPECT_NE(cluster.find(second), nullptr);
  EXPECT_EQ(cluster.find(first), nullptr);
  EXPECT_FALSE(store.workspaces.contains(first.key()));
}

TEST_F(IsolationTest, LetsThoseBehindGoOnWhenSomebodyGivesUp_ISO01) {
  load();
  ask(intake, command(first));
  settle();
  auto b = exclusive(second, "ServerTasks-2");
  b.isolation_mutex_name.clear();
  ask(intake, b);
  auto third = start(script_ticket{"Third-1"});
  settle();
  EXPECT_EQ(store.prepared.size(), 1u);
  ask(intake, cancel_script{second, 0});
  settle();
  EXPECT_EQ(store.prepared, (std::vector<std::string>{"First-1", "Third-1"}));
  serve();
  EXPECT_TRUE(third->value);
}

TEST_F(IsolationTest, IsLeftByACancellationThatSaysWhoStillRuns_ISO03_SVC35) {
  load();
  ask(intake, exclusive(first, "ServerTasks-1"));
  settle();
  auto b = ask(intake, exclusive(second, "ServerTasks-2"));
  settle();
  auto end = cancelled(second);
  EXPECT_EQ(end.state, process_state::complete);
  EXPECT_EQ(end.exit_code, exit_cancelled);
  std::vector<output_line> all = end.lines;
  if (b->value)
    all.insert(all.end(), b->value->lines.begin(), b->value->lines.end());
  auto told = std::any_of(all.begin(), all.end(), [](auto& x) {
    return x.text
           == "This task was canceled before it could start. Task "
              "[ServerTasks-1](~/app#/tasks/ServerTasks-1) is still running.";
  });
  EXPECT_TRUE(told);
  EXPECT_EQ(cluster.created.size(), 1u);
}

} // namespace

} // namespace cuttle::test
