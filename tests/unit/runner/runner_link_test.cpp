#include <csignal>
#include <gtest/gtest.h>
#include <random>
#include <thread>

#include "infra/runner_link/wire.hpp"
#include "tests/unit/runner/linked_run.hpp"

using namespace cuttle;
using namespace cuttle::runner::test;
using cuttle::runner_link::test::played_worker;

namespace {

using lines = std::vector<std::string>;
using habits = played_worker::habits;

} // namespace

TEST(RunnerLink, BringsEveryLineAndLeavesNothing_BR05) {
  linked_run uut{"echo one; echo two >&2; printf 'a\\0b\\xff\\n'; exit 3"};
  EXPECT_EQ(uut.finish(), 3);
  ASSERT_TRUE(uut.worker().wait_marker());
  uut.expect_all_lines();
  EXPECT_EQ(uut.worker().sessions().size(), 1u);
  EXPECT_EQ(uut.worker().sessions()[0].first, 1);
  EXPECT_EQ(uut.left_lines(), std::vector<std::int64_t>{});
  EXPECT_FALSE(std::filesystem::exists(uut.lines_path()));
  EXPECT_EQ(uut.error_text(), "");
}

TEST(RunnerLink, GivesALineTheTimeOfItsFraming) {
  auto before = std::chrono::system_clock::now();
  linked_run uut{"echo one"};
  EXPECT_EQ(uut.finish(), 0);
  ASSERT_TRUE(uut.worker().wait_marker());
  auto after = std::chrono::system_clock::now();
  auto last = before;
  for (const auto& x : uut.worker().lines()) {
    EXPECT_GE(x.line.occurred, last);
    last = x.line.occurred;
  }
  EXPECT_LE(last, after);
}

TEST(RunnerLink, LeavesExactlyWhatIsNotAcknowledged_RST04) {
  linked_run uut{"echo one; echo two", {true, true, false}};
  EXPECT_EQ(uut.finish(), 0);
  ASSERT_TRUE(uut.worker().wait_marker());
  auto all = uut.worker().last_number();
  EXPECT_EQ(uut.left_lines(), uut.numbers(1, all));
  EXPECT_FALSE(std::filesystem::exists(uut.lines_path().string() + ".new"));
}

TEST(RunnerLink, LeavesTheLinesAfterTheLastAcknowledgedOne) {
  linked_run uut{"echo one; while [ ! -e go ]; do sleep 0.01; done; echo two",
                 {true, true, false}};
  ASSERT_TRUE(uut.wait_for("one"));
  ASSERT_TRUE(uut.worker().wait_number(4));
  auto id = uut.worker().wait_session().id;
  uut.server().acknowledge(id, 4);
  // What was dropped is never sent again.
  uut.restart_server();
  EXPECT_EQ(uut.worker().wait_session(2).first, 5);
  uut.write("go", "");
  EXPECT_EQ(uut.finish(), 0);
  ASSERT_TRUE(uut.worker().wait_marker());
  EXPECT_EQ(uut.left_lines(), uut.numbers(5, uut.worker().last_number()));
  uut.expect_all_lines();
}

TEST(RunnerLink, GoesOnWithTheNextWorkerOnAnotherPort) {
  linked_run uut{"for ((i = 0; i < 3; ++i)); do echo line $i; while [ ! -e "
                 "go$i ]; do sleep 0.01; done; done"};
  for (auto i = 0; i < 3; ++i) {
    ASSERT_TRUE(uut.wait_for("line " + std::to_string(i)));
    ASSERT_TRUE(uut.worker().wait_number(4 + i));
    uut.stop_server();
    uut.write("go" + std::to_string(i), "");
    if (i < 2) {
      ASSERT_TRUE(uut.wait_for("line " + std::to_string(i + 1)));
    }
    uut.start_server();
  }
  EXPECT_EQ(uut.finish(), 0);
  ASSERT_TRUE(uut.worker().wait_marker());
  uut.expect_all_lines();
  EXPECT_FALSE(std::filesystem::exists(uut.lines_path()));
}

TEST(RunnerLink, SendsAgainWhatTheLastWorkerDidNotKeep) {
  linked_run uut{"seq 1000; while [ ! -e go ]; do sleep 0.01; done",
                 {true, true, false}};
  ASSERT_TRUE(uut.wait_for_frames(1003));
  ASSERT_TRUE(uut.worker().wait_number(1003));
  uut.forget_worker();
  EXPECT_EQ(uut.worker().wait_session().first, 1);
  ASSERT_TRUE(uut.worker().wait_number(1003));
  uut.write("go", "");
  EXPECT_EQ(uut.finish(), 0);
  ASSERT_TRUE(uut.worker().wait_marker());
  uut.expect_all_lines();
}

TEST(RunnerLink, LosesAndDoublesNothingWhileWorkersAreKilled_RST01) {
  linked_run uut{"for ((i = 0; i < 200; ++i)); do printf '%0*d\\n' 50 $i 5000 "
                 "$i 9 $i; sleep 0.002; done; while [ ! -e go ]; do sleep "
                 "0.01; done",
                 {true, true, false}};
  auto code = -1;
  std::thread reading{[&] { code = uut.finish(); }};
  std::mt19937 random{7};
  std::int64_t survived = 0;
  auto& worker = uut.worker();
  for (auto next = std::int64_t{3}; next < 600;
       next += 1 + static_cast<std::int64_t>(random() % 60)) {
    EXPECT_TRUE(worker.wait_number(next));
    auto spread = static_cast<std::uint64_t>(next - survived + 1);
    survived += static_cast<std::int64_t>(random() % spread);
    auto sessions = std::size_t{0};
    worker.wait([&] {
      sessions = worker.sessions().size();
      return true;
    });
    uut.server().acknowledge(worker.wait_session(sessions).id, survived);
    uut.stop_server();
    worker.crash(survived);
    uut.start_server();
  }
  EXPECT_TRUE(worker.wait_number(603));
  uut.write("go", "");
  EXPECT_TRUE(worker.wait_marker());
  reading.join();
  EXPECT_EQ(code, 0);
  EXPECT_GT(worker.sessions().size(), 10u);
  uut.expect_all_lines();
  // The acknowledgement that a killed worker sent last may be lost with it.
  auto left = uut.left_lines();
  ASSERT_FALSE(left.empty());
  EXPECT_LE(left.front(), survived + 1);
  EXPECT_EQ(left, uut.numbers(left.front(), 607));
}

TEST(RunnerLink, CarriesABurstOfLongLines) {
  linked_run uut{"for i in 1 2 3; do head -c 10000000 /dev/zero | tr '\\0' x; "
                 "echo; done; seq 20000"};
  EXPECT_EQ(uut.finish(), 0);
  ASSERT_TRUE(uut.worker().wait_marker());
  uut.expect_all_lines();
  EXPECT_FALSE(std::filesystem::exists(uut.lines_path()));
}

TEST(RunnerLink, SpoolsWhatNobodyAcknowledgesAndDrainsIt) {
  linked_run uut{"for ((i = 0; i < 60; ++i)); do head -c 100000 /dev/zero | tr "
                 "'\\0' x; echo; done; while [ ! -e go ]; do sleep 0.01; done",
                 {true, true, false}};
  ASSERT_TRUE(uut.wait_for_frames(63));
  ASSERT_TRUE(uut.worker().wait_number(63));
  EXPECT_GT(std::filesystem::file_size(uut.lines_path()), 8u * 1024 * 1024);
  auto id = uut.worker().wait_session().id;
  uut.server().acknowledge(id, 63);
  while (std::filesystem::file_size(uut.lines_path()) > 0)
    ASSERT_EQ(::kill(uut.pid(), 0), 0);
  uut.write("go", "");
  EXPECT_EQ(uut.finish(), 0);
  ASSERT_TRUE(uut.worker().wait_marker());
  uut.expect_all_lines();
  EXPECT_EQ(uut.left_lines(), uut.numbers(64, uut.worker().last_number()));
}

TEST(RunnerLink, SendsFromTheSpoolAfterTheWorkerWasAway) {
  linked_run uut{"echo first; while [ ! -e go ]; do sleep 0.01; done; for ((i "
                 "= 0; i < 60; ++i)); do head -c 100000 /dev/zero | tr '\\0' "
                 "x; echo; done; echo spooled; while [ ! -e end ]; do sleep "
                 "0.01; done"};
  ASSERT_TRUE(uut.wait_for("first"));
  ASSERT_TRUE(uut.worker().wait_number(4));
  uut.stop_server();
  uut.write("go", "");
  ASSERT_TRUE(uut.wait_for("spooled"));
  EXPECT_GT(std::filesystem::file_size(uut.lines_path()), 8u * 1024 * 1024);
  uut.start_server();
  ASSERT_TRUE(uut.worker().wait_number(65));
  uut.write("end", "");
  EXPECT_EQ(uut.finish(), 0);
  ASSERT_TRUE(uut.worker().wait_marker());
  uut.expect_all_lines();
  EXPECT_FALSE(std::filesystem::exists(uut.lines_path()));
}

TEST(RunnerLink, HoldsTheScriptWhenTheSpoolIsFull) {
  linked_run uut{"for ((i = 0; i < 100; ++i)); do head -c 100000 /dev/zero | "
                 "tr '\\0' x; echo; echo $i >count; done",
                 {true, true, false},
                 {"CUTTLE_RUNNER_SPOOL_BYTES=2000000"}};
  // Six lines fit into the file, and six fill memory.
  ASSERT_TRUE(uut.wait_for_frames(15));
  ASSERT_TRUE(uut.worker().wait_number(15));
  uut.expect_still();
  EXPECT_LT(uut.worker().last_number(), 20);
  EXPECT_LE(std::filesystem::file_size(uut.lines_path()), 2'000'000u);
  EXPECT_LT(uut.count("count"), 20);
  uut.worker().set({});
  auto id = uut.worker().wait_session().id;
  uut.server().acknowledge(id, uut.worker().last_number());
  EXPECT_EQ(uut.finish(), 0);
  ASSERT_TRUE(uut.worker().wait_marker());
  EXPECT_EQ(uut.count("count"), 99);
  uut.expect_all_lines();
}

TEST(RunnerLink, LosesNothingOfABurstBeforeTheFirstConnection) {
  linked_run uut{"for ((i = 0; i < 50; ++i)); do head -c 100000 /dev/zero | tr "
                 "'\\0' x; echo; echo $i >count; done",
                 {},
                 {"CUTTLE_RUNNER_EARLY_BYTES=1000000",
                  "CUTTLE_RUNNER_EARLY_MS=600000",
                  "CUTTLE_RUNNER_FIRST_MS=600000"},
                 linked_run::nobody};
  ASSERT_TRUE(uut.wait_for_frames(6));
  uut.expect_still();
  EXPECT_LT(uut.count("count"), 20);
  uut.start_server();
  EXPECT_EQ(uut.finish(), 0);
  ASSERT_TRUE(uut.worker().wait_marker());
  EXPECT_EQ(uut.count("count"), 49);
  uut.expect_all_lines();
}

TEST(RunnerLink, HoldsABurstForAShortTimeOnlyWhereNobodyAnswers) {
  linked_run uut{
    "for ((i = 0; i < 50; ++i)); do head -c 100000 /dev/zero | tr "
    "'\\0' x; echo; done",
    {},
    {"CUTTLE_RUNNER_EARLY_BYTES=1000000", "CUTTLE_RUNNER_EARLY_MS=300"},
    linked_run::nobody};
  EXPECT_EQ(uut.finish(), 0);
  EXPECT_EQ(uut.frames().size(), 57u);
}

TEST(RunnerLink, DoesNotHoldTheScriptForAWorkerThatIsGoneForGood) {
  linked_run uut{"echo first; while [ ! -e go ]; do sleep 0.01; done; for ((i "
                 "= 0; i < 60; ++i)); do head -c 100000 /dev/zero | tr '\\0' "
                 "x; echo; done",
                 {},
                 {"CUTTLE_RUNNER_SPOOL_BYTES=2000000",
                  "CUTTLE_RUNNER_GONE_MS=300", "CUTTLE_RUNNER_END_WAIT_MS=0"}};
  ASSERT_TRUE(uut.wait_for("first"));
  ASSERT_TRUE(uut.worker().wait_number(4));
  uut.stop_server();
  uut.write("go", "");
  EXPECT_EQ(uut.finish(), 0);
  EXPECT_EQ(uut.frames().size(), 68u);
}

TEST(RunnerLink, CostsNothingWhereNobodyAnswers) {
  linked_run uut{"seq 10000", {}, {}, linked_run::nobody};
  EXPECT_EQ(uut.finish(), 0);
  EXPECT_EQ(uut.frames().size(), 10'007u);
  // For the next worker, should the pod's log be gone.
  EXPECT_EQ(uut.left_lines(), uut.numbers(1, 10'007));
}

TEST(RunnerLink, DropsWhatItHoldsWhenNobodyEverAnswers) {
  linked_run uut{"seq 1000; while [ ! -e go ]; do sleep 0.01; done; echo later",
                 {},
                 {"CUTTLE_RUNNER_FIRST_MS=0"},
                 linked_run::nobody};
  ASSERT_TRUE(uut.wait_for("1000"));
  uut.write("go", "");
  EXPECT_EQ(uut.finish(), 0);
  EXPECT_FALSE(std::filesystem::exists(uut.lines_path()));
  EXPECT_EQ(uut.script_lines(output_source::out).size(), 1001u);
}

TEST(RunnerLink, IsNotThereWithoutAnAddress) {
  linked_run uut{"echo one", {}, {}, linked_run::no_address};
  EXPECT_EQ(uut.finish(), 0);
  EXPECT_EQ(uut.script_lines(output_source::out), lines{"one"});
  EXPECT_FALSE(std::filesystem::exists(uut.lines_path()));
}

TEST(RunnerLink, SurvivesAWorkerThatTalksNonsense) {
  linked_run uut{"echo one; while [ ! -e go ]; do sleep 0.01; done; exit 4",
                 {},
                 {"CUTTLE_RUNNER_END_WAIT_MS=0"},
                 linked_run::nobody};
  nonsense_worker nonsense;
  uut.write(runner_link::address_file,
            runner_link::format_address({"127.0.0.1", nonsense.port()}));
  while (nonsense.visits() < 3)
    ASSERT_EQ(::kill(uut.pid(), 0), 0);
  uut.write("go", "");
  EXPECT_EQ(uut.finish(), 4);
  EXPECT_EQ(uut.script_lines(output_source::out), lines{"one"});
  EXPECT_EQ(uut.error_text(), "");
  EXPECT_EQ(uut.left_lines(), uut.numbers(1, 8));
}

TEST(RunnerLink, SaysOnceThatAWorkerBreaksTheRules) {
  linked_run uut{"echo one; while [ ! -e go ]; do sleep 0.01; done; exit 4",
                 {},
                 {"CUTTLE_RUNNER_END_WAIT_MS=0"},
                 linked_run::nobody};
  rude_worker rude{uut.key(), "from 0\n" + std::string(100, 'x')};
  uut.write(runner_link::address_file,
            runner_link::format_address({"127.0.0.1", rude.port()}));
  while (rude.visits() < 3)
    ASSERT_EQ(::kill(uut.pid(), 0), 0);
  uut.write("go", "");
  EXPECT_EQ(uut.finish(), 4);
  EXPECT_EQ(uut.error_text(),
            "cuttle-runner: the link to the worker was closed: the worker sent "
            "a line longer than 64 bytes\n");
  EXPECT_EQ(uut.left_lines(), uut.numbers(1, 8));
}

TEST(RunnerLink, PassesOverWordsAndNumbersThatItDoesNotKnow) {
  linked_run uut{"echo one; while [ ! -e go ]; do sleep 0.01; done; exit 4",
                 {},
                 {"CUTTLE_RUNNER_END_WAIT_MS=0"},
                 linked_run::nobody};
  rude_worker rude{uut.key(), "later 7\n\nfrom 1\nfrom 3\ngot 9000\nack "
                              "9000\nack 2\nack 1\n"};
  uut.write(runner_link::address_file,
            runner_link::format_address({"127.0.0.1", rude.port()}));
  while (!rude.answered())
    ASSERT_EQ(::kill(uut.pid(), 0), 0);
  uut.write("go", "");
  EXPECT_EQ(uut.finish(), 4);
  EXPECT_EQ(uut.error_text(), "");
  EXPECT_EQ(uut.left_lines(), uut.numbers(3, 8));
}

TEST(RunnerLink, EndsSoonAfterASignalAlthoughTheWorkerIsGone_BR13) {
  linked_run uut{"trap 'echo trapped; exit 5' TERM; echo ready; while :; do "
                 "sleep 0.01; done",
                 {},
                 {"CUTTLE_RUNNER_END_WAIT_MS=3600000"}};
  ASSERT_TRUE(uut.wait_for("ready"));
  ASSERT_TRUE(uut.worker().wait_number(4));
  uut.stop_server();
  ::kill(uut.pid(), SIGTERM);
  EXPECT_EQ(uut.finish(), 143);
  EXPECT_EQ(uut.marker(), 143);
  auto last = static_cast<std::int64_t>(uut.frames().size());
  EXPECT_GT(last, 8);
  EXPECT_EQ(uut.left_lines(), uut.numbers(5, last));
}

TEST(RunnerLink, BringsTheEndAfterASignal_BR13) {
  linked_run uut{"trap 'echo trapped; exit 5' TERM; echo ready; while :; do "
                 "sleep 0.01; done"};
  ASSERT_TRUE(uut.wait_for("ready"));
  ::kill(uut.pid(), SIGTERM);
  EXPECT_EQ(uut.finish(), 143);
  ASSERT_TRUE(uut.worker().wait_marker());
  uut.expect_all_lines();
}

TEST(RunnerLink, StillWaitsForASlowReaderOfTheOutput) {
  linked_run uut{"for ((i = 0; i < 2000; ++i)); do printf '%01000d\\n' $i; "
                 "done; echo written >done"};
  ASSERT_TRUE(uut.worker().wait_number(100));
  uut.expect_still();
  EXPECT_FALSE(std::filesystem::exists(uut.path() / "done"));
  EXPECT_EQ(uut.finish(), 0);
  ASSERT_TRUE(uut.worker().wait_marker());
  uut.expect_all_lines();
}

TEST(RunnerLink, NoticesAWorkerThatSaysNothingAnyMore) {
  linked_run uut{"echo one; while [ ! -e go ]; do sleep 0.01; done",
                 {},
                 {"CUTTLE_RUNNER_SILENCE_MS=1000"}};
  // The server's own signs of life come much later than that.
  ASSERT_TRUE(uut.worker().wait_number(4));
  EXPECT_TRUE(uut.worker().wait_session(2).id != 0);
  uut.write("go", "");
  EXPECT_EQ(uut.finish(), 0);
  ASSERT_TRUE(uut.worker().wait_marker());
  uut.expect_all_lines();
}
