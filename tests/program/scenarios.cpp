// The end-to-end scenarios (`worker-behaviour` 19), as a person plays them with
// `cuttle demo --scenario`: on the embedded cluster, or on that of
// CUTTLE_E2E_KUBECONFIG.

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <sstream>

#include "tests/folders.hpp"
#include "tests/program/process.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class Scenario : public ::testing::Test {
protected:
  void SetUp() override {
    auto pattern = (fs::temp_directory_path() / "cuttle-play-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    auto* kind = std::getenv("CUTTLE_TEST_CLUSTER");
    if (!kind || std::string{kind} != "real")
      return;
    auto* kubeconfig = std::getenv("CUTTLE_E2E_KUBECONFIG");
    if (!kubeconfig)
      GTEST_SKIP() << "needs a real cluster: CUTTLE_E2E_KUBECONFIG is not set";
    real_ = true;
    auto* image = std::getenv("CUTTLE_E2E_IMAGE");
    cluster_ = {"--kubeconfig", kubeconfig, "--image",
                image ? image : "localhost/worker:local"};
  }

  void TearDown() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  /// Runs `cuttle demo` with that scenario; returns its exit code.
  int play(const std::string& name) {
    std::vector<std::string> command{cuttle_program(), "demo", "--plain",
                                     "--scenario", name};
    command.insert(command.end(), cluster_.begin(), cluster_.end());
    process demo{command, {{"HOME", folder_.string()}}, folder_ / "demo.log"};
    auto code = demo.wait(170s);
    output_ = demo.output();
    return code.value_or(-1);
  }

  /// How many lines begin so.
  int count(const std::string& begin) const {
    std::istringstream lines{output_};
    int result = 0;
    for (std::string line; std::getline(lines, line);)
      result += line.starts_with(begin) ? 1 : 0;
    return result;
  }

  /// Plays it; at least so many expectations have to hold and none may fail.
  void expect_held(const std::string& name, int at_least) {
    auto code = play(name);
    EXPECT_EQ(code, 0) << output_;
    expect_list(at_least);
  }

  void expect_list(int at_least) {
    EXPECT_GE(count("  [held]"), at_least) << output_;
    EXPECT_EQ(count("  [FAILED]"), 0) << output_;
  }

  bool real_ = false;
  std::string output_;

private:
  fs::path folder_;
  std::vector<std::string> cluster_;
};

} // namespace

TEST_F(Scenario, AScriptPrintsAndEndsWell_E2E01) {
  expect_held("hello", 16);
}

TEST_F(Scenario, AScriptEndsWithItsOwnCode_E2E02) {
  expect_held("exit-code", 6);
}

TEST_F(Scenario, ADeletedPodEndsItsStepTruthfully_E2E03) {
  expect_held("pod-deleted", 10);
}

TEST_F(Scenario, AKilledWorkerLosesNoLine_E2E04) {
  expect_held("worker-killed", 9);
}

TEST_F(Scenario, TheUserCancels_E2E05) {
  expect_held("cancel", 14);
}

TEST_F(Scenario, ALostVolumeFailsANormalScript_E2E06) {
  expect_held("storage-lost", 7);
}

TEST_F(Scenario, ALostVolumeDoesNotDisturbARawScript_E2E07) {
  expect_held("storage-lost-raw", 5);
}

TEST_F(Scenario, AScriptRunsOnItsPlatform_E2E08) {
  expect_held("platform", 8);
}

TEST_F(Scenario, AnUnknownPlatformIsToldAndTheScriptRuns_E2E09) {
  expect_held("unknown-platform", 6);
}

TEST_F(Scenario, AKilledStorageServerIsCounted_E2E10) {
  expect_held("storage-counted", 4);
}

TEST_F(Scenario, ARegistrationByTheHookMovesOnce_E2E11) {
  expect_held("migration", 11);
}

TEST_F(Scenario, ARawScriptOutlivesTheWorkerThatItReplaces_E2E12) {
  expect_held("upgrade", 6);
}

TEST_F(Scenario, EachSupportedVersionOfKubernetesWorks_E2E13) {
  auto code = play("cluster-versions");
  if (!real_) {
    EXPECT_EQ(code, 0) << output_;
    expect_list(3 * 5);
    return;
  }
  // A real cluster has one version, and the program says when it is another.
  EXPECT_EQ(code, count("  [lacking]") == 0 ? 0 : 3) << output_;
  expect_list(5);
}

TEST_F(Scenario, AWrongNameIsAnsweredWithTheList) {
  EXPECT_EQ(play("wroker-killed"), 2);
  EXPECT_NE(output_.find("there is no scenario 'wroker-killed'"),
            std::string::npos)
    << output_;
  EXPECT_EQ(count("  E2E-"), 13) << output_;
}

TEST_F(Scenario, TheListHasNameAndTitleOfEach) {
  EXPECT_EQ(play("list"), 0);
  EXPECT_EQ(count("  E2E-"), 13) << output_;
  EXPECT_NE(output_.find("worker-killed"), std::string::npos);
}

} // namespace cuttle::test
