#include <csignal>
#include <gtest/gtest.h>

#include "tests/unit/runner/runner_process.hpp"

using namespace cuttle;
using namespace cuttle::runner::test;

namespace {

using lines = std::vector<std::string>;

constexpr auto* waiting_script = "trap 'echo trapped; exit 5' TERM INT HUP\n"
                                 "echo ready\n"
                                 "while :; do sleep 0.01; done";

} // namespace

TEST(RunnerSignal, RunsTheTrapsOfTheScript_BR13) {
  struct row {
    int signal;
    int code;
  };
  for (const auto& row :
       {row{SIGTERM, 143}, row{SIGINT, 130}, row{SIGHUP, 129}}) {
    script_run uut{waiting_script};
    ASSERT_TRUE(uut.wait_for("ready"));
    ::kill(uut.pid(), row.signal);
    EXPECT_EQ(uut.finish(), row.code);
    EXPECT_EQ(uut.marker(), row.code);
    EXPECT_EQ(uut.script_lines(output_source::out),
              (lines{"ready", "trapped"}));
  }
}

TEST(RunnerSignal, ReachesTheWholeProcessGroup_BR13) {
  script_run uut{"(trap 'echo child; exit' TERM; echo ready; while :; do sleep "
                 "0.01; done) &\nwait"};
  ASSERT_TRUE(uut.wait_for("ready"));
  ::kill(uut.pid(), SIGTERM);
  EXPECT_EQ(uut.finish(), 143);
  EXPECT_EQ(uut.marker(), 143);
  EXPECT_EQ(uut.script_lines(output_source::out), (lines{"ready", "child"}));
}

TEST(RunnerSignal, DoesNotReachTheRunnersOwnGroup_BR13) {
  script_run uut{"echo $(ps -o pgid= -p $$) $(ps -o sid= -p $$) $$"};
  EXPECT_EQ(uut.finish(), 0);
  auto out = uut.script_lines(output_source::out).at(0);
  auto number = out.substr(0, out.find(' '));
  EXPECT_EQ(out, number + " " + number + " " + number);
}

TEST(RunnerSignal, KillsWhatIgnoresTheSignal_BR13) {
  script_run uut{"trap '' TERM; echo ready; while :; do sleep 0.01; done",
                 {},
                 {"CUTTLE_RUNNER_GRACE_SECONDS=0"}};
  ASSERT_TRUE(uut.wait_for("ready"));
  ::kill(uut.pid(), SIGTERM);
  EXPECT_EQ(uut.finish(), 143);
  EXPECT_EQ(uut.marker(), 143);
}

TEST(RunnerSignal, KeepsTheExitCodeOfAScriptThatHasEnded_BR13) {
  script_run uut{"(trap 'exit' TERM; while kill -0 $$; do sleep 0.01; done "
                 "2>&-; echo alone; while :; do sleep 0.01; done) & exit 6"};
  ASSERT_TRUE(uut.wait_for("alone"));
  ::kill(uut.pid(), SIGTERM);
  EXPECT_EQ(uut.finish(), 6);
  EXPECT_EQ(uut.marker(), 6);
}

TEST(RunnerSignal, ReportsTheEndAlthoughAStrayProcessHoldsThePipe_BR13) {
  script_run uut{"setsid bash -c 'echo $$; exec sleep 1000' & while :; do "
                 "sleep 0.01; done",
                 {},
                 {"CUTTLE_RUNNER_GRACE_SECONDS=0"}};
  ASSERT_TRUE(uut.wait_for_frames(4));
  ::kill(uut.pid(), SIGTERM);
  EXPECT_TRUE(uut.wait_for(podlog::end_marker_text(143)));
  auto stray = std::stoi(uut.frames().at(3).line.line.text);
  ::kill(stray, SIGKILL);
  EXPECT_EQ(uut.finish(), 143);
}

TEST(RunnerSignal, IsPassedOnWhileNobodyReadsTheOutput_BR13) {
  script_run uut{
    "trap 'touch trapped; exit' TERM; echo ready; while :; do echo "
    "more; done"};
  ASSERT_TRUE(uut.wait_for("ready"));
  ::kill(uut.pid(), SIGTERM);
  while (!std::filesystem::exists(uut.path() / "trapped"))
    ASSERT_EQ(::kill(uut.pid(), 0), 0);
  EXPECT_EQ(uut.finish(), 143);
  EXPECT_EQ(uut.marker(), 143);
}
