// A script runs, its output comes back, its end is true (see also the
// scenarios).

#include "tests/program/stage.hpp"

namespace cuttle::test {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

namespace {

class Scripts : public Stage {};

} // namespace

TEST_F(Scripts, ReportTheirExitCode_E2E02_SVC27_SVC32) {
  start_connected_worker();
  auto result = run("echo out; echo err >&2; exit 42");
  EXPECT_EQ(result.exit_code, 42);
  EXPECT_EQ(texts(result), strings{"out"});
  EXPECT_EQ(texts(result, output_source::err), strings{"err"});
  for (auto code : {0, 1, 255, 137}) {
    SCOPED_TRACE(code);
    result = run("exit \"$1\"", {std::to_string(code)});
    EXPECT_EQ(result.state, process_state::complete);
    EXPECT_EQ(result.exit_code, code);
  }
}

TEST_F(Scripts, LoseNoneOf100000LinesWhenTheyEndAtOnce_SVC23) {
  if (!embedded())
    GTEST_SKIP() << "a real kubelet rotates the pod's log at 10 MiB";
  start_connected_worker();
  auto result = start("seq 1 100000; exit 3")->wait(120s);
  EXPECT_EQ(result.exit_code, 3);
  auto lines = texts(result);
  ASSERT_EQ(lines.size(), 100'000u);
  for (std::size_t i = 0; i < lines.size(); ++i)
    ASSERT_EQ(lines[i], std::to_string(i + 1));
}

TEST_F(Scripts, GetTheirArgumentsUnchanged) {
  start_connected_worker();
  auto result = run("for a in \"$@\"; do printf '<%s>\\n' \"$a\"; done",
                    {"a b", "\"quoted\"", "$HOME", "`id`", "it's", "", "\\"});
  EXPECT_EQ(texts(result), (strings{"<a b>", "<\"quoted\">", "<$HOME>",
                                    "<`id`>", "<it's>", "<>", "<\\>"}));
}

TEST_F(Scripts, MayPrintBinaryAndInvalidUtf8_SVC28) {
  start_connected_worker();
  auto result = run("printf 'a\\000b\\n\\377\\376x\\n'; head -c 300 /dev/zero "
                    "| tr '\\000' '\\377'; echo; echo done");
  EXPECT_EQ(result.exit_code, 0);
  auto lines = texts(result);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], (std::string{"a\0b", 3}));
  EXPECT_EQ(lines[1], "\xef\xbf\xbd\xef\xbf\xbdx");
  EXPECT_EQ(lines[2].size(), 900u);
  EXPECT_EQ(lines[3], "done");
}

TEST_F(Scripts, LoseNothingOfALineOf64MiB) {
  if (!embedded())
    GTEST_SKIP() << "a real kubelet rotates the pod's log at 10 MiB";
  start_connected_worker();
  auto result = start("head -c 67108864 /dev/zero | tr '\\000' x; echo; "
                      "echo after")
                  ->wait(120s);
  EXPECT_EQ(result.exit_code, 0);
  std::size_t size = 0;
  for (auto& text : texts(result))
    if (text != "after")
      size += text.size();
  EXPECT_EQ(size, 67'108'864u);
  EXPECT_TRUE(has_line(result, "after"));
}

TEST_F(Scripts, RunInTheImageThatTheStepNames_LIM08) {
  start_connected_worker();
  start_script command;
  command.script_body = "echo here";
  command.image = pod_image{cluster_->image(), {}, {}, {}};
  auto result = start(std::move(command))->wait();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(has_line(result, "Image: '" + cluster_->image() + "'"));
}

TEST_F(Scripts, TwentyAtOnceEndEachWithItsOwnOutput) {
  start_connected_worker();
  std::vector<running_script_ptr> scripts;
  for (int i = 0; i < 20; ++i)
    scripts.push_back(start("echo number $1; exit $1", {std::to_string(i)}));
  for (int i = 0; i < 20; ++i) {
    auto result = scripts[static_cast<std::size_t>(i)]->wait(120s);
    EXPECT_EQ(result.exit_code, i);
    EXPECT_EQ(texts(result), strings{"number " + std::to_string(i)});
  }
}

TEST_F(Scripts, EndWhenTheUserCancels_SVC34) {
  start_connected_worker();
  auto script = start("echo begin; sleep 600; echo never");
  ASSERT_TRUE(script->sees("begin"));
  server_->cancel(script->ticket);
  auto result = script->wait();
  EXPECT_TRUE(result.cancelled);
  EXPECT_EQ(result.exit_code, exit_cancelled);
  EXPECT_FALSE(has_line(result, "never"));
  EXPECT_EQ(result.start_calls, 1u);
  EXPECT_GE(result.cancel_calls, 1u);
  EXPECT_EQ(result.complete_calls, 1u);
  EXPECT_TRUE(eventually([&] { return cluster_->pods().empty(); }));
}

TEST_F(Scripts, SayWhyTheyWaitForAnImageThatIsNotThere_SVC31_SVC35) {
  start_connected_worker();
  start_script command;
  command.script_body = "echo never";
  command.image = pod_image{"example.invalid/no-such-image:1", {}, {}, {}};
  auto script = start(std::move(command));
  EXPECT_TRUE(script->sees("example.invalid/no-such-image:1"));
  EXPECT_TRUE(script->sees("cannot be pulled", 90s));
  server_->cancel(script->ticket);
  auto result = script->wait();
  EXPECT_EQ(result.exit_code, exit_cancelled);
}

} // namespace cuttle::test
