#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "tests/folders.hpp"
#include "tests/program/process.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class Bench : public ::testing::Test {
protected:
  void SetUp() override {
    // Its cluster is its own.
    if (real_cluster())
      GTEST_SKIP() << "the same on every cluster";
    make_folder();
  }

  static bool real_cluster() {
    return variable("CUTTLE_TEST_CLUSTER") == "real";
  }

  static std::string variable(const char* name) {
    auto* value = std::getenv(name);
    return value ? value : "";
  }

  void make_folder() {
    auto pattern = (fs::temp_directory_path() / "cuttle-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }

  void TearDown() override {
    if (!folder_.empty())
      fs::remove_all(folder_);
  }

  // Exit code of `cuttle bench` with these flags.
  int run(std::vector<std::string> flags) {
    std::vector<std::string> command{cuttle_program(), "bench", "--quiet"};
    command.insert(command.end(), flags.begin(), flags.end());
    process bench{command, {{"TMPDIR", folder_.string()}}, folder_ / "out"};
    auto code = bench.wait(120s);
    output_ = bench.output();
    return code.value_or(-1);
  }

  nlohmann::json report() const {
    std::ifstream in{folder_ / "report.json"};
    return nlohmann::json::parse(in, nullptr, false);
  }

  fs::path folder_;
  std::string output_;
};

class RealBench : public Bench {
protected:
  void SetUp() override {
    if (!real_cluster())
      GTEST_SKIP() << "needs a real cluster: ./dev e2e";
    make_folder();
    // (pods of another user go through it)
    fs::permissions(folder_, fs::perms::group_exec | fs::perms::others_exec,
                    fs::perm_options::add);
  }
};

TEST_F(Bench, CountsEachOperationAndEachLineOnce) {
  ASSERT_EQ(run({"--operations", "20", "--rate", "0", "--lines", "50",
                 "--cadence", "fast", "--servers", "2", "--json",
                 folder_ / "report.json", "--html", folder_ / "report.html"}),
            0)
    << output_;
  auto x = report()["runs"][0];
  EXPECT_EQ(x["ended"], 20);
  EXPECT_EQ(x["lines"], 20 * 52);
  EXPECT_EQ(x["sound"], true);
  auto& latency = x["latency"];
  EXPECT_EQ(latency["pod_created"]["count"], 20);
  EXPECT_EQ(latency["create_sent"]["count"], 20);
  EXPECT_LE(latency["create_sent"]["p50_ms"], latency["pod_created"]["p50_ms"]);
  EXPECT_EQ(x["own_start"]["count"], 20);
  EXPECT_GT(x["own_start"]["p50_ms"], 0);
  EXPECT_LE(x["own_start"]["p50_ms"], x["own_start"]["p99_ms"]);
  EXPECT_EQ(x["calls_per_operation"]["create pods"], 1.0);
  EXPECT_GT(x["resident_peak_mib"].get<double>(), 1);
  EXPECT_GT(x["cpu_ms_per_operation"].get<double>(), 0);
  EXPECT_GT(fs::file_size(folder_ / "report.html"), 1'000u);
  EXPECT_TRUE(output_.find("20 operations") != std::string::npos) << output_;
}

TEST_F(Bench, PlaysRunnersThatDialTheWorker) {
  ASSERT_EQ(
    run({"--operations", "10", "--rate", "0", "--lines", "20", "--line-every",
         "20", "--cadence", "fast", "--json", folder_ / "report.json"}),
    0)
    << output_;
  auto x = report()["runs"][0];
  EXPECT_GE(x["latency"]["confirmed"]["count"], 10);
  EXPECT_FALSE(x["calls_per_operation"].contains("log pods"))
    << x["calls_per_operation"];
  EXPECT_EQ(x["calls_per_operation"]["create pods"], 1.0);
  EXPECT_EQ(x["calls_per_operation"]["delete pods"], 1.0);
  EXPECT_EQ(x["idle_calls"], 0);
  EXPECT_GT(x["start_to_polling_ms"].get<double>(), 0);
}

TEST_F(Bench, PlaysRunnersThatLeaveTheirLinesInThePodsLog) {
  ASSERT_EQ(
    run({"--operations", "5", "--rate", "0", "--lines", "20", "--no-links",
         "--cadence", "fast", "--json", folder_ / "report.json"}),
    0)
    << output_;
  auto x = report()["runs"][0];
  EXPECT_GE(x["calls_per_operation"]["log pods"], 1.0);
  EXPECT_FALSE(x["latency"].contains("confirmed"));
}

TEST_F(Bench, PlaysALoadWithSoManyAtOnce) {
  ASSERT_EQ(run({"--at-once", "2,4", "--cadence", "fast", "--json",
                 folder_ / "report.json", "--svg", folder_ / "plot.svg"}),
            0)
    << output_;
  auto runs = report()["runs"];
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0]["ended"], 2);
  EXPECT_EQ(runs[1]["ended"], 4);
  EXPECT_EQ(runs[1]["profile"]["name"], "trivial-4");
  EXPECT_GT(fs::file_size(folder_ / "plot.svg"), 1'000u);
}

TEST_F(Bench, ComparesTheWorkersPodsWithThoseOfABareClient) {
  std::ofstream{folder_ / "profile.json"}
    << R"({"operations": 20, "rate": 0, "bare": true, "cadence": "fast"})";
  ASSERT_EQ(run({"--profile", folder_ / "profile.json", "--json",
                 folder_ / "report.json"}),
            0)
    << output_;
  auto x = report()["runs"][0];
  EXPECT_GT(x["pods_per_second"].get<double>(), 0);
  EXPECT_GT(x["bare_pods_per_second"].get<double>(), 0);
}

TEST_F(RealBench, ComparesABurstWithAsManyPodsWithoutAWorker) {
  std::ofstream{folder_ / "profile.json"}
    << R"({"operations": 3, "rate": 0, "bare": true, "cadence": "fast"})";
  ASSERT_EQ(
    run({"--profile", folder_ / "profile.json", "--kubeconfig",
         variable("CUTTLE_E2E_KUBECONFIG"), "--image",
         variable("CUTTLE_E2E_IMAGE"), "--json", folder_ / "report.json"}),
    0)
    << output_;
  auto x = report()["runs"][0];
  EXPECT_EQ(x["ended"], 3);
  EXPECT_EQ(x["sound"], true);
  EXPECT_GT(x["bare_pods_per_second"].get<double>(), 0);
  // As long as a pod takes that starts a container, and no longer than a test.
  EXPECT_GT(x["bare_seconds"].get<double>(), 0.1);
  EXPECT_GT(x["whole_beside_bare"].get<double>(), 0);
}

TEST_F(Bench, AnswersStatusCallsWhileTheApiServerIsFrozen) {
  std::ofstream{folder_ / "profile.json"}
    << R"({"operations": 10, "rate": 0, "cadence": "fast", "old_events": 200,
           "frozen_from_s": 1, "frozen_until_s": 9,
           "script": {"kind": "sleep", "sleep_ms": 10000}})";
  ASSERT_EQ(run({"--profile", folder_ / "profile.json", "--json",
                 folder_ / "report.json"}),
            0)
    << output_;
  auto calls = report()["runs"][0]["latency"]["status_call"];
  // (one that waited for the API server would have taken 8 s)
  EXPECT_LT(calls["max_ms"], 6'000);
}

TEST_F(Bench, CancelsAsAUserDoes) {
  ASSERT_EQ(run({"--operations", "5", "--rate", "0", "--script", "cancel",
                 "--cadence", "fast", "--json", folder_ / "report.json"}),
            0)
    << output_;
  EXPECT_EQ(report()["runs"][0]["latency"]["cancel"]["count"], 5);
}

TEST_F(Bench, FailsWhenOperationsAreLost) {
  // A script that outlives the patience.
  ASSERT_EQ(run({"--operations", "2", "--rate", "0", "--sleep", "600000",
                 "--patience", "1", "--json", folder_ / "report.json"}),
            1)
    << output_;
  EXPECT_EQ(report()["runs"][0]["lost_operations"], 2);
}

TEST_F(Bench, ReportsAndCleansUpWhenItIsInterrupted) {
  process bench{{cuttle_program(), "bench", "--operations", "2", "--rate", "0",
                 "--sleep", "600000", "--json", folder_ / "report.json"},
                {{"TMPDIR", folder_.string()}},
                folder_ / "out"};
  ASSERT_TRUE(eventually(
    [&] { return bench.output().find(" 2 started") != std::string::npos; },
    60s))
    << bench.output();
  bench.signal(SIGTERM);
  EXPECT_EQ(bench.wait(60s), 1) << bench.output();
  EXPECT_EQ(report()["runs"][0]["lost_operations"], 2);
  for (auto& x : fs::directory_iterator{folder_})
    EXPECT_FALSE(x.is_directory()) << x.path();
}

TEST_F(Bench, SaysInOneLineWhatIsWrongWithAFlag) {
  for (auto& flags :
       std::vector<std::vector<std::string>>{{"--rate", "quick"},
                                             {"--no-such-flag"},
                                             {"--script", "other"},
                                             {"--operations", "0"},
                                             {"--port", "1"}}) {
    EXPECT_EQ(run(flags), 2);
    EXPECT_TRUE(output_.starts_with("cuttle bench: ")) << output_;
    EXPECT_EQ(std::count(output_.begin(), output_.end(), '\n'), 1) << output_;
    fs::remove(folder_ / "out");
  }
}

} // namespace

} // namespace cuttle::test
