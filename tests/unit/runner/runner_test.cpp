#include <csignal>
#include <gtest/gtest.h>

#include "infra/podlog/gcm.hpp"
#include "tests/folders.hpp"
#include "tests/unit/runner/runner_process.hpp"

using namespace cuttle;
using namespace cuttle::runner::test;

namespace {

using lines = std::vector<std::string>;

} // namespace

TEST(Runner, FramesStartAndEnd_BR06_BR07) {
  script_run uut{"echo hello"};
  EXPECT_EQ(uut.finish(), 0);
  lines texts;
  for (const auto& frame : uut.frames()) {
    texts.push_back(frame.line.line.text);
    EXPECT_EQ(frame.line.line.source, &frame == &uut.frames().back()
                                        ? output_source::debug
                                        : output_source::out);
  }
  EXPECT_EQ(
    texts,
    (lines{"##octopus[stdout-verbose]", "Kubernetes Script Pod started",
           "##octopus[stdout-default]", "hello", "##octopus[stdout-verbose]",
           "Kubernetes Script Pod completed", "##octopus[stdout-default]",
           "EOS-075CD4F0-8C76-491D-BA76-0879D35E9CFE<<>>0"}));
  EXPECT_EQ(uut.unframed(), "");
  EXPECT_EQ(uut.error_text(), "");
}

TEST(Runner, ExitsLikeTheScript_BR09) {
  struct row {
    const char* body;
    int code;
  };
  for (const auto& row :
       {row{"exit 0", 0}, row{"exit 1", 1}, row{"exit 42", 42},
        row{"exit 255", 255}, row{"exit 300", 44}, row{"false", 1},
        row{"no-such-command", 127}}) {
    script_run uut{row.body};
    EXPECT_EQ(uut.finish(), row.code) << row.body;
    EXPECT_EQ(uut.marker(), row.code) << row.body;
  }
}

TEST(Runner, ReportsADeathBySignal_BR09) {
  for (auto* body : {"kill -KILL $$", "kill -TERM $$", "kill -SEGV $$"}) {
    script_run uut{body};
    EXPECT_EQ(uut.finish(), 255) << body;
    EXPECT_EQ(uut.marker(), -1) << body;
  }
}

TEST(Runner, RunsInTheWorkspaceWithTheEnvironment_BR02) {
  script_run uut{"pwd; echo \"$FRUIT\"", {}, {"FRUIT=blue pear"}};
  EXPECT_EQ(uut.finish(), 0);
  EXPECT_EQ(uut.script_lines(output_source::out),
            (lines{uut.path().string(), "blue pear"}));
}

TEST(Runner, GivesAScriptWithoutAUsableHomeOne) {
  for (auto* home : {"/dev/null", "/no/such/folder"}) {
    script_run uut{"mkdir -p ~/.cache/tool && echo x >~/.cache/tool/y && "
                   "echo kept; [[ $HOME == $PWD/home ]] && stat -c %a ~",
                   {},
                   {std::string{"HOME="} + home}};
    EXPECT_EQ(uut.finish(), 0) << home;
    EXPECT_EQ(uut.script_lines(output_source::out), (lines{"kept", "700"}));
  }
}

TEST(Runner, LeavesAHomeThatIsUsableOrUnset_BR02) {
  script_run usable{
    "echo ${HOME-none}; [[ -e home ]] || echo nothing made", {}, {"HOME=/tmp"}};
  EXPECT_EQ(usable.finish(), 0);
  EXPECT_EQ(usable.script_lines(output_source::out),
            (lines{"/tmp", "nothing made"}));
  script_run unset{"[[ -e home ]] || echo nothing made"};
  EXPECT_EQ(unset.finish(), 0);
  EXPECT_EQ(unset.script_lines(output_source::out), lines{"nothing made"});
}

TEST(Runner, GivesTheScriptNoInput_BR02) {
  script_run uut{"read line; echo $?; readlink /proc/$$/fd/0"};
  EXPECT_EQ(uut.finish(), 0);
  EXPECT_EQ(uut.script_lines(output_source::out), (lines{"1", "/dev/null"}));
}

TEST(Runner, IgnoresModeAndShebangOfTheScript_BR02) {
  script_run uut{"#!/bin/false\n[[ -n $BASH_VERSION ]] && echo bash"};
  EXPECT_EQ(uut.finish(), 0);
  EXPECT_EQ(uut.script_lines(output_source::out), lines{"bash"});
}

TEST(Runner, PassesArgumentsUnchanged_BR02) {
  const lines arguments{"plain", "",      "with blank", "it's",
                        "\"q\"", "$HOME", "`id`",       "back\\slash",
                        "*",     "-n",    "a|b;c&d",    "h\xC3\xA9"};
  script_run uut{"for x in \"$@\"; do printf '<%s>\\n' \"$x\"; done",
                 arguments};
  EXPECT_EQ(uut.finish(), 0);
  lines expected;
  for (const auto& argument : arguments)
    expected.push_back("<" + argument + ">");
  EXPECT_EQ(uut.script_lines(output_source::out), expected);
}

TEST(Runner, PassesAnArgumentWithLineFeedsUnchanged_BR02) {
  script_run uut{"[[ $1 == $'a\\nb\\n' ]] && echo same", {"a\nb\n"}};
  EXPECT_EQ(uut.finish(), 0);
  EXPECT_EQ(uut.script_lines(output_source::out), lines{"same"});
}

TEST(Runner, StartsTheScriptWithoutBlockedOrIgnoredSignals_BR02) {
  // glibc ignores its two internal signals, 32 and 33, for a spawned process.
  script_run uut{
    "while read -r name value; do case $name in SigBlk: | SigIgn:) "
    "echo $((0x$value & 0x7fffffff)) ;; esac; done "
    "<<< \"$(cat /proc/self/status)\""};
  EXPECT_EQ(uut.finish(), 0);
  EXPECT_EQ(uut.script_lines(output_source::out), (lines{"0", "0"}));
}

TEST(Runner, LeavesNoDescriptorOpenInTheScript) {
  // Descriptors that this test itself inherited are inherited further.
  const std::string count = "ls /proc/self/fd | wc -l";
  workspace place;
  process plain{place, {"bash", "-c", count}};
  EXPECT_EQ(plain.finish(), 0);
  script_run uut{count};
  EXPECT_EQ(uut.finish(), 0);
  EXPECT_EQ(uut.script_lines(output_source::out).at(0) + "\n",
            plain.unframed());
}

TEST(Runner, RefusesAMissingOrWrongKeyFile_BR03_BR12) {
  workspace place;
  auto script = place.write("Bootstrap.sh", "echo no");
  auto run = [&] {
    process uut{place, {runner_program(), place.path().string(), script}};
    EXPECT_EQ(uut.finish(), 2);
    EXPECT_TRUE(uut.frames().empty());
    EXPECT_EQ(uut.unframed(), "");
    return uut.error_text();
  };
  for (auto* content : {"", "AAAA", "not base64!",
                        "wAhIfMpTCIp0sdgHC0pg0SkxGJd2"
                        "Y2AZCxoYambwbi0"}) {
    place.write("keyfile", content);
    EXPECT_NE(run().find("keyfile has to be Base64 of 16, 24 or 32 bytes"),
              std::string::npos)
      << content;
  }
  std::filesystem::remove(place.path() / "keyfile");
  EXPECT_NE(run().find("keyfile can not be read: No such file or directory"),
            std::string::npos);
}

TEST(Runner, RefusesMissingArguments_BR03) {
  workspace place;
  for (const auto& words : {lines{runner_program()},
                            lines{runner_program(), place.path().string()}}) {
    process uut{place, words};
    EXPECT_EQ(uut.finish(), 2);
    EXPECT_TRUE(uut.frames().empty());
    EXPECT_NE(uut.error_text(), "");
  }
}

TEST(Runner, ToleratesLineEndsInTheKeyFile_BR03) {
  workspace place;
  auto text = crypto::to_base64(place.key().value);
  place.write("keyfile",
              text.substr(0, 10) + "\r\n" + text.substr(10) + "\r\n");
  process uut{place,
              {runner_program(), place.path().string(),
               place.write("Bootstrap.sh", "echo hello")}};
  EXPECT_EQ(uut.finish(), 0);
  EXPECT_EQ(uut.script_lines(output_source::out), lines{"hello"});
}

TEST(Runner, UsesAShorterKey_BR03) {
  workspace place;
  crypto::bytes key(16, 7);
  place.write("keyfile", crypto::to_base64(key));
  process uut{place,
              {runner_program(), place.path().string(),
               place.write("Bootstrap.sh", "exit 3")}};
  EXPECT_EQ(uut.finish(), 3);
  auto last = uut.unframed().rfind('|');
  auto hex = uut.unframed().substr(last + 1);
  hex.pop_back();
  podlog::gcm cipher{key};
  std::string text;
  auto sealed = crypto::from_hex(hex);
  ASSERT_TRUE(sealed);
  EXPECT_TRUE(cipher.open(*sealed, text));
  EXPECT_EQ(text, podlog::end_marker_text(3));
}

TEST(Runner, SaysThatTheImageHasNoBash_LIM06) {
  workspace place;
  process uut{place,
              {runner_program(), place.path().string(),
               place.write("Bootstrap.sh", "echo no")},
              {"PATH=" + place.path().string()}};
  EXPECT_EQ(uut.finish(), 127);
  EXPECT_TRUE(uut.frames().empty());
  EXPECT_NE(uut.error_text().find("the image has no bash"), std::string::npos);
}
