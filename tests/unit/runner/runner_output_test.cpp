#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <thread>
#include <unistd.h>

#include "tests/folders.hpp"
#include "tests/unit/runner/runner_process.hpp"

using namespace cuttle;
using namespace cuttle::runner::test;

namespace {

using lines = std::vector<std::string>;

const std::string replacement = "\xEF\xBF\xBD";

} // namespace

TEST(RunnerOutput, KeepsEmptyAndUnterminatedLines_BR08_SVC28) {
  script_run uut{"printf 'a\\n\\n\\nb'; printf '\\nx\\r\\r\\ny\\r\\nlast' >&2"};
  EXPECT_EQ(uut.finish(), 0);
  EXPECT_EQ(uut.script_lines(output_source::out), (lines{"a", "", "", "b"}));
  EXPECT_EQ(uut.script_lines(output_source::err),
            (lines{"", "x\r", "y", "last"}));
}

TEST(RunnerOutput, PassesBytesUnmodified_BR08) {
  script_run uut{"printf 'a\\0b\\n\\xff\\xfe\\nh\\xc3\\xa9\\n'"};
  EXPECT_EQ(uut.finish(), 0);
  EXPECT_EQ(
    uut.script_lines(output_source::out),
    (lines{std::string{"a\0b", 3}, replacement + replacement, "h\xC3\xA9"}));
}

TEST(RunnerOutput, PassesTheBytesOfABinary_BR08) {
  script_run uut{"for i in {1..255}; do [[ $i == 10 ]] || printf "
                 "\"\\\\x$(printf %x $i)\"; done"};
  EXPECT_EQ(uut.finish(), 0);
  auto result = uut.script_lines(output_source::out);
  ASSERT_EQ(result.size(), 1u);
  EXPECT_EQ(result[0].substr(0, 9), "\x01\x02\x03\x04\x05\x06\x07\x08\x09");
  EXPECT_EQ(result[0].substr(126 - 9 + 9), [] {
    std::string text;
    for (auto i = 0; i < 128; ++i)
      text += replacement;
    return text;
  }());
}

TEST(RunnerOutput, KeepsTheOrderOfEachStream_BR05_SVC27) {
  script_run uut{"for ((i = 0; i < 20000; ++i)); do echo o$i; echo e$i >&2; "
                 "done"};
  EXPECT_EQ(uut.finish(), 0);
  auto out = uut.script_lines(output_source::out);
  auto err = uut.script_lines(output_source::err);
  ASSERT_EQ(out.size(), 20000u);
  ASSERT_EQ(err.size(), 20000u);
  for (std::size_t i = 0; i < out.size(); ++i) {
    auto number = std::to_string(i);
    ASSERT_EQ(out[i], std::string{"o"}.append(number));
    ASSERT_EQ(err[i], std::string{"e"}.append(number));
  }
}

TEST(RunnerOutput, Passes200000LinesInOrder_BR14) {
  script_run uut{"for ((i = 0; i < 200000; ++i)); do echo $i; done"};
  EXPECT_EQ(uut.finish(), 0);
  auto out = uut.script_lines(output_source::out);
  ASSERT_EQ(out.size(), 200'000u);
  for (std::size_t i = 0; i < out.size(); ++i)
    ASSERT_EQ(out[i], std::to_string(i));
}

TEST(RunnerOutput, PassesTheLongestLineOfTheStockRunnerAsOne_BR10) {
  script_run uut{"head -c 10485759 /dev/zero | tr '\\0' x"};
  EXPECT_EQ(uut.finish(), 0);
  auto out = uut.script_lines(output_source::out);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].size(), 10'485'759u);
}

TEST(RunnerOutput, SplitsALineOf64MiBAndLosesNothing_BR10) {
  script_run uut{"head -c 67108864 /dev/zero | tr '\\0' x; echo; echo after"};
  EXPECT_EQ(uut.finish(), 0);
  auto out = uut.script_lines(output_source::out);
  ASSERT_EQ(out.size(), 8u);
  EXPECT_EQ(out.back(), "after");
  std::size_t size = 0;
  for (std::size_t i = 0; i < 7; ++i) {
    size += out[i].size();
    EXPECT_EQ(out[i].find_first_not_of('x'), std::string::npos);
  }
  EXPECT_EQ(size, 67'108'864u);
}

TEST(RunnerOutput, WaitsForABackgroundChildThatHoldsThePipe_BR11) {
  script_run uut{
    "mkfifo gate; (read line < gate; echo late $line) & echo first"};
  EXPECT_TRUE(uut.wait_for("first"));
  // The script itself has ended or will; only the child can see this.
  uut.write("gate", "now\n");
  EXPECT_EQ(uut.finish(), 0);
  EXPECT_EQ(uut.script_lines(output_source::out), (lines{"first", "late now"}));
}

TEST(RunnerOutput, EndsWhenTheScriptClosesItsOutputEarly) {
  script_run uut{
    "mkfifo gate; echo last; exec >&- 2>&-; read x < gate; exit 4"};
  EXPECT_TRUE(uut.wait_for("last"));
  uut.write("gate", "\n");
  EXPECT_EQ(uut.finish(), 4);
  EXPECT_EQ(uut.marker(), 4);
}

TEST(RunnerOutput, MakesTheScriptWaitForASlowReader) {
  script_run uut{"for i in {1..2000}; do printf '%01000d\\n' $i; done; touch "
                 "done"};
  // Nothing is read until the pipe is as good as full. All buffers on the way
  // hold less than a quarter of what the script has to say.
  auto waiting = 0;
  while (waiting < 60'000) {
    ASSERT_EQ(::ioctl(uut.output(), FIONREAD, &waiting), 0);
    std::this_thread::yield();
  }
  EXPECT_FALSE(std::filesystem::exists(uut.path() / "done"));
  EXPECT_EQ(uut.finish(), 0);
  EXPECT_TRUE(std::filesystem::exists(uut.path() / "done"));
  EXPECT_EQ(uut.script_lines(output_source::out).size(), 2000u);
}

TEST(RunnerOutput, FlushesALineWhileTheScriptGoesOn) {
  script_run uut{"mkfifo first second; echo one; read x < first; echo two; "
                 "read x < second; echo three"};
  // (a gate each: a second reader of one could meet the end of its first
  // writer)
  EXPECT_TRUE(uut.wait_for("one"));
  uut.write("first", "\n");
  EXPECT_TRUE(uut.wait_for("two"));
  uut.write("second", "\n");
  EXPECT_EQ(uut.finish(), 0);
  EXPECT_EQ(uut.script_lines(output_source::out),
            (lines{"one", "two", "three"}));
}

TEST(RunnerOutput, EndsTheScriptWhenNobodyReads) {
  workspace place;
  auto script
    = place.write("Bootstrap.sh", "trap 'echo x > stopped; exit' TERM\n"
                                  "echo ready\n"
                                  "while :; do echo more; done");
  process shell{
    place,
    {"bash", "-c",
     "set -o pipefail; \"$0\" \"$1\" \"$2\" | head -c 200 >/dev/null",
     runner_program(), place.path().string(), script}};
  EXPECT_EQ(shell.finish(), 141);
  EXPECT_TRUE(std::filesystem::exists(place.path() / "stopped"));
  EXPECT_NE(shell.error_text().find("standard output can not be written"),
            std::string::npos);
}
