#include <gtest/gtest.h>
#include <sys/utsname.h>

#include "tests/folders.hpp"
#include "tests/unit/runner/runner_process.hpp"

using namespace cuttle;
using namespace cuttle::runner::test;

namespace {

using lines = std::vector<std::string>;

const std::string entry = runner_folder() + "/execute-bootstrapRunner.sh";

// The shells that images have as `sh`; those that are not installed here are
// left out. BusyBox takes its own `uname` for any other.
std::vector<lines> shells(bool with_busybox = true) {
  std::vector<lines> result{{entry}};
  for (const auto& words : {lines{"/bin/dash"}, lines{"/bin/bash", "--posix"},
                            lines{"/bin/busybox", "sh"}})
    if (std::filesystem::exists(words[0])
        && (with_busybox || words[0] != "/bin/busybox"))
      result.push_back(words);
  for (std::size_t i = 1; i < result.size(); ++i)
    result[i].push_back(entry);
  return result;
}

void write_program(const workspace& place, const std::string& name,
                   std::string_view body) {
  auto path = place.write(name, body);
  std::filesystem::permissions(path, std::filesystem::perms::all);
}

} // namespace

TEST(EntryScript, RunsTheRunnerOfThisMachineInAnyShell_BR01) {
  for (auto words : shells()) {
    workspace place;
    words.push_back(place.path().string());
    words.push_back(
      place.write("Bootstrap.sh", "printf '<%s>\\n' \"$@\"; exit 9"));
    words.insert(words.end(), {"a b", "$x", "", "it's \"so\""});
    process uut{place, words};
    EXPECT_EQ(uut.finish(), 9);
    EXPECT_EQ(uut.script_lines(output_source::out),
              (lines{"<a b>", "<$x>", "<>", "<it's \"so\">"}));
    EXPECT_EQ(uut.error_text(), "");
  }
}

TEST(EntryScript, ReplacesItselfByTheRunner_BR01) {
  workspace place;
  process uut{
    place,
    {entry, place.path().string(), place.write("Bootstrap.sh", "echo $PPID")}};
  auto pid = std::to_string(uut.pid());
  EXPECT_EQ(uut.finish(), 0);
  EXPECT_EQ(uut.script_lines(output_source::out), lines{pid});
}

TEST(EntryScript, MapsTheMachine_BR01) {
  struct row {
    const char* machine;
    const char* arch;
  };
  for (const auto& row :
       {row{"x86_64", "amd64"}, row{"aarch64", "arm64"}, row{"arm64", "arm64"},
        row{"i386", "386"}, row{"i686", "386"}, row{"armv7l", "arm"},
        row{"armv6l", "arm"}}) {
    for (auto words : shells(false)) {
      workspace place;
      write_program(place, "bin/uname",
                    std::string{"#!/bin/sh\necho "} + row.machine);
      write_program(place, "bin/bash", "");
      write_program(place, std::string{"bootstrapRunner-linux-"} + row.arch,
                    "#!/bin/sh\necho \"$0 $*\" >&2");
      std::filesystem::copy(entry, place.path() / "entry.sh");
      words.back() = (place.path() / "entry.sh").string();
      words.insert(words.end(), {"one", "two"});
      process uut{place, words, {"PATH=" + place.path().string() + "/bin"}};
      EXPECT_EQ(uut.finish(), 0) << row.machine;
      EXPECT_EQ(uut.error_text(), place.path().string()
                                    + "/bootstrapRunner-linux-" + row.arch
                                    + " one two\n");
    }
  }
}

TEST(EntryScript, RefusesAnotherMachine_BR01) {
  for (auto words : shells(false)) {
    workspace place;
    write_program(place, "bin/uname", "#!/bin/sh\necho riscv64");
    words.insert(words.end(), {place.path().string(), "x"});
    process uut{place, words, {"PATH=" + place.path().string() + "/bin"}};
    EXPECT_EQ(uut.finish(), 1);
    EXPECT_EQ(uut.error_text(), "Error: Unsupported architecture: riscv64\n");
  }
}

TEST(EntryScript, SaysThatTheImageHasNoBash_LIM06) {
  for (auto words : shells()) {
    workspace place;
    write_program(place, "bin/uname", "#!/bin/sh\necho x86_64");
    words.insert(words.end(), {place.path().string(), "x"});
    process uut{place, words, {"PATH=" + place.path().string() + "/bin"}};
    EXPECT_EQ(uut.finish(), 127);
    EXPECT_NE(uut.error_text().find("The image has no bash"),
              std::string::npos);
  }
}
