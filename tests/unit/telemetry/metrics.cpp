#include "infra/telemetry/metrics.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

namespace cuttle::telemetry {

namespace {

bool has_line(const std::string& page, const std::string& line) {
  return ("\n" + page).find("\n" + line + "\n") != std::string::npos;
}

} // namespace

TEST(Metrics, GivesTheSameObjectForTheSameNameAndLabels) {
  registry all;
  auto& one = all.counter("calls_total", "Calls", {{"verb", "get"}});
  auto& same = all.counter("calls_total", "Calls", {{"verb", "get"}});
  auto& other = all.counter("calls_total", "Calls", {{"verb", "list"}});
  EXPECT_EQ(&one, &same);
  EXPECT_NE(&one, &other);
  one.add();
  same.add(2);
  other.add();
  EXPECT_TRUE(has_line(all.render(), R"(calls_total{verb="get"} 3)"));
  EXPECT_TRUE(has_line(all.render(), R"(calls_total{verb="list"} 1)"));
}

TEST(Metrics, RendersHelpAndTypeOnceForEachName) {
  registry all;
  all.gauge("pods", "Script pods that exist", {{"phase", "running"}}).set(2);
  all.gauge("pods", "Script pods that exist", {{"phase", "pending"}}).set(1);
  auto page = all.render();
  auto help = page.find("# HELP pods Script pods that exist\n");
  ASSERT_NE(help, std::string::npos);
  EXPECT_EQ(page.find("# HELP pods", help + 1), std::string::npos);
  EXPECT_TRUE(has_line(page, "# TYPE pods gauge"));
}

TEST(Metrics, EscapesLabelValues) {
  registry all;
  all.counter("x_total", "X", {{"reason", "a \"b\"\\\nc"}}).add();
  EXPECT_TRUE(has_line(all.render(), R"(x_total{reason="a \"b\"\\\nc"} 1)"));
}

TEST(Metrics, ACounterNeverShrinks) {
  registry all;
  auto& calls = all.counter("calls_total", "Calls");
  calls.add(5);
  calls.add(-3);
  calls.add(std::nan(""));
  calls.add(std::numeric_limits<double>::infinity());
  EXPECT_TRUE(has_line(all.render(), "calls_total 5"));
}

TEST(Metrics, AGaugeGoesUpAndDown) {
  registry all;
  auto& used = all.gauge("used", "Used");
  used.set(4);
  used.add(2.5);
  used.add(-5);
  EXPECT_TRUE(has_line(all.render(), "used 1.5"));
}

TEST(Metrics, AHistogramHasBucketsFromAMillisecondToTenMinutes) {
  registry all;
  auto& time = all.histogram("time_seconds", "Time");
  time.observe(0.0005);
  time.observe(0.02);
  time.observe(599);
  time.observe(10'000);
  time.observe(-1);
  time.observe(std::nan(""));
  auto page = all.render();
  EXPECT_TRUE(has_line(page, R"(time_seconds_bucket{le="0.001"} 2)"));
  EXPECT_TRUE(has_line(page, R"(time_seconds_bucket{le="0.025"} 3)"));
  EXPECT_TRUE(has_line(page, R"(time_seconds_bucket{le="300"} 3)"));
  EXPECT_TRUE(has_line(page, R"(time_seconds_bucket{le="600"} 4)"));
  EXPECT_TRUE(has_line(page, R"(time_seconds_bucket{le="+Inf"} 5)"));
  EXPECT_TRUE(has_line(page, "time_seconds_count 5"));
}

TEST(Metrics, RefusesOneNameForTwoKinds) {
  registry all;
  all.counter("x_total", "X");
  EXPECT_THROW(all.gauge("x_total", "X"), std::invalid_argument);
  EXPECT_THROW(all.histogram("x_total", "X"), std::invalid_argument);
  EXPECT_THROW(all.counter("no name", "X"), std::invalid_argument);
  EXPECT_TRUE(has_line(all.render(), "x_total 0"));
}

TEST(Metrics, ThreadsShareOneObject) {
  registry all;
  constexpr int threads = 4;
  constexpr int rounds = 2'000;
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i)
    running.emplace_back([&] {
      for (int round = 0; round < rounds; ++round) {
        all.counter("calls_total", "Calls").add();
        all.histogram("time_seconds", "Time").observe(0.01);
        if (round % 500 == 0) {
          EXPECT_FALSE(all.render().empty());
        }
      }
    });
  for (auto& t : running)
    t.join();
  EXPECT_TRUE(has_line(all.render(), "calls_total 8000"));
  EXPECT_TRUE(has_line(all.render(), "time_seconds_count 8000"));
}

} // namespace cuttle::telemetry
