#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "infra/load/result.hpp"

namespace cuttle::load {

namespace {

load_result sample() {
  load_result x;
  x.profile.name = "a <b>";
  x.cluster = "some cluster";
  x.started = x.ended = 4;
  x.seconds = 2;
  for (int i = 1; i <= 4; ++i)
    x[measure::start_call].add(std::chrono::milliseconds{i});
  x.calls = {{"create pods", 4}, {"delete pods", 8}};
  x.cpu_seconds = 0.02;
  x.idle_mib = 10;
  x.peak_mib = 12;
  x.samples = {{0, 0, 10, 0, 0}, {1, 0.01, 12, 4, 0}, {2, 0.02, 11, 0, 4}};
  return x;
}

TEST(Result, GivesFiguresForAnOperation) {
  auto json = to_json(sample());
  EXPECT_EQ(json["operations_per_second"], 2.0);
  EXPECT_EQ(json["calls_per_operation"]["create pods"], 1.0);
  EXPECT_EQ(json["calls_per_operation"]["delete pods"], 2.0);
  EXPECT_EQ(json["calls_per_operation_all"], 3.0);
  EXPECT_EQ(json["cpu_ms_per_operation"], 5.0);
  EXPECT_EQ(json["latency"]["start_call"]["count"], 4);
  EXPECT_EQ(json["latency"]["start_call"]["max_ms"], 4.0);
  EXPECT_FALSE(json["latency"].contains("cancel"));
  EXPECT_EQ(json["sound"], true);
}

TEST(Result, LeavesOutWhatWasNotMeasured) {
  auto x = sample();
  x.calls.reset();
  x.cpu_seconds.reset();
  auto json = to_json(x);
  EXPECT_FALSE(json.contains("calls_per_operation"));
  EXPECT_FALSE(json.contains("cpu_ms_per_operation"));
  EXPECT_EQ(to_table(x).find("Kubernetes calls"), std::string::npos);
}

TEST(Result, IsUnsoundWithAnythingLostOrDoubled) {
  for (auto member :
       {&load_result::lost_operations, &load_result::doubled_operations,
        &load_result::lost_lines, &load_result::doubled_lines,
        &load_result::disordered_lines}) {
    auto x = sample();
    EXPECT_TRUE(x.sound());
    x.*member = 1;
    EXPECT_FALSE(x.sound());
    EXPECT_NE(to_html({x}, "m").find("class=\"bad\""), std::string::npos);
  }
}

TEST(Result, GivesRatesOfTextAndOfPods) {
  auto x = sample();
  x.line_bytes = 3'000'000;
  x.profile.rate = 0;
  x.idle_calls = 0;
  x.start_to_polling = std::chrono::milliseconds{150};
  x.own_start = own_time{4, 2.5, 5};
  x.bare_pods_per_second = 40;
  x.bare_seconds = 4;
  for (int i = 1; i <= 4; ++i)
    x[measure::pod_created].add(std::chrono::milliseconds{100});
  auto json = to_json(x);
  EXPECT_EQ(json["megabytes_per_second"], 1.5);
  EXPECT_EQ(json["idle_calls"], 0);
  EXPECT_EQ(json["start_to_polling_ms"], 150.0);
  EXPECT_EQ(json["own_start"]["count"], 4);
  EXPECT_EQ(json["own_start"]["p50_ms"], 2.5);
  EXPECT_EQ(json["own_start"]["p99_ms"], 5.0);
  EXPECT_NE(to_table(x).find("half within 2.5 ms, 99 of 100 within 5 ms (4)"),
            std::string::npos);
  EXPECT_NEAR(json["pods_per_second"].get<double>(), 40, 0.5);
  EXPECT_NEAR(json["time_beside_bare"].get<double>(), 1, 0.02);
  EXPECT_EQ(json["bare_seconds"], 4.0);
  EXPECT_EQ(json["whole_beside_bare"], 0.5);
  x.profile.rate = 10;
  EXPECT_FALSE(to_json(x).contains("pods_per_second"));
}

TEST(Result, PlotsWhatTheWorkerTookOverTime) {
  auto x = sample();
  x.samples[0].actors = 12;
  auto svg = to_svg(x, "a & b");
  EXPECT_TRUE(svg.starts_with("<svg xmlns"));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_NE(svg.find("a &amp; b"), std::string::npos);
  EXPECT_NE(svg.find("Descriptors"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

TEST(Result, IsAPageThatIsCompleteAndEscaped) {
  auto html = to_html({sample()}, "a & b");
  EXPECT_NE(html.find("a &lt;b&gt;"), std::string::npos);
  EXPECT_EQ(html.find("a <b>"), std::string::npos);
  EXPECT_NE(html.find("a &amp; b"), std::string::npos);
  EXPECT_NE(html.find("<polyline"), std::string::npos);
  EXPECT_EQ(html.find("http"), std::string::npos);
  EXPECT_EQ(html.find("nan"), std::string::npos);
}

} // namespace

} // namespace cuttle::load
