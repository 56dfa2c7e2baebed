#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "infra/kubernetes/event_metrics.hpp"
#include "infra/kubernetes/rfc3339.hpp"

using namespace cuttle;
using namespace cuttle::kubernetes;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

const auto t = parse_time("2026-01-01T10:00:00Z").value();

pod_event event_of(std::string reason, std::string pod, timestamp when) {
  pod_event result;
  result.reason = std::move(reason);
  result.pod_name = std::move(pod);
  result.occurred = when;
  return result;
}

std::map<std::string, std::string> stored_until(timestamp when) {
  return {{"latestTimestamp", format_round_trip(when)}};
}

json metrics_of(const event_metrics& metrics) {
  return json::parse(metrics.data().at("metrics").value_or("null"));
}

} // namespace

TEST(EventMetrics, RecordNothingOfNothing_EVT03) {
  auto metrics = event_metrics::read(stored_until(t));
  EXPECT_FALSE(metrics.add({}, {}));
  EXPECT_EQ(metrics_of(metrics), json::object());
}

TEST(EventMetrics, RecordAKilledNfsPod_EVT02_EVT03_MET01) {
  auto metrics = event_metrics::read(stored_until(t));
  EXPECT_TRUE(
    metrics.add({event_of("Killing", "octopus-agent-nfs-0", t + 1min)}, {}));
  EXPECT_EQ(metrics_of(metrics),
            json::parse(
              R"({"Killing":{"nfs":["2026-01-01T10:01:00.0000000+00:00"]}})"));
  EXPECT_EQ(metrics.data().at("latestTimestamp"),
            "2026-01-01T10:01:00.0000000+00:00");
}

TEST(EventMetrics, RecordTheWatchdogOfAnySource_EVT02_EVT03) {
  auto metrics = event_metrics::read({});
  EXPECT_TRUE(
    metrics.add({event_of("NfsWatchdogTimeout", "octopus-script-abc", t),
                 event_of("NfsWatchdogTimeout", "somebody-else", t + 1s),
                 event_of("Killing", "octopus-agent-tentacle-1-2", t + 2s),
                 event_of("Killing", "octopus-script-abc", t + 3s),
                 event_of("Scheduled", "octopus-agent-nfs-0", t + 4s)},
                {}));
  auto all = metrics_of(metrics);
  EXPECT_EQ(all["NfsWatchdogTimeout"]["script"].size(), 1u);
  EXPECT_EQ(all["NfsWatchdogTimeout"]["unknown"].size(), 1u);
  EXPECT_EQ(all["Killing"]["tentacle"].size(), 1u);
  EXPECT_FALSE(all["Killing"].contains("script"));
  EXPECT_EQ(all.size(), 2u);
}

TEST(EventMetrics, TakeOnlyWhatIsNewerThanTheCursor_EVT01_EVT03) {
  auto metrics = event_metrics::read(stored_until(t));
  EXPECT_FALSE(metrics.add({event_of("Killing", "octopus-agent-nfs-0", t),
                            event_of("Killing", "octopus-agent-nfs-0", t - 1s)},
                           {}));
  // Two of one batch may come in any order.
  EXPECT_TRUE(metrics.add({event_of("Killing", "octopus-agent-nfs-0", t + 2s),
                           event_of("Killing", "octopus-agent-nfs-0", t + 1s)},
                          {}));
  EXPECT_EQ(metrics_of(metrics)["Killing"]["nfs"].size(), 2u);
}

TEST(EventMetrics, KeepWhatIsStoredUpToALimit_MET01_MET03) {
  auto metrics = event_metrics::read({});
  std::vector<pod_event> many;
  for (int i = 0; i < 1500; ++i)
    many.push_back(event_of("Killing", "octopus-agent-nfs-0", t + i * 1s));
  EXPECT_TRUE(metrics.add(many, {}));
  std::map<std::string, std::string> stored;
  for (auto& [key, value] : metrics.data())
    stored[key] = value.value_or("");
  auto again = event_metrics::read(stored);
  EXPECT_EQ(again.data(), metrics.data());
  auto times = metrics_of(again)["Killing"]["nfs"];
  ASSERT_EQ(times.size(), event_metrics::most);
  EXPECT_EQ(times.back(), format_round_trip(t + 1499s));
}

TEST(EventMetrics, TakeWhatIsNoneForEmpty_MET01) {
  for (auto text : {"", "[]", "{", R"({"a":1})", R"({"a":{"b":7}})",
                    R"({"a":{"b":[7,"x"]}})"}) {
    auto metrics = event_metrics::read(
      {{"metrics", text}, {"latestTimestamp", "yesterday"}});
    EXPECT_EQ(metrics_of(metrics), json::object()) << text;
    EXPECT_FALSE(metrics.data().contains("latestTimestamp"));
  }
}

TEST(EventSources, ComeFromTheNameOfTheOwnPod_EVT02) {
  auto usual = event_sources::of("");
  EXPECT_EQ(usual.of_pod("octopus-agent-tentacle-7d-x"), "tentacle");
  EXPECT_EQ(usual.of_pod("octopus-agent-nfs-0"), "nfs");
  EXPECT_EQ(usual.of_pod("octopus-script-abc"), "script");
  EXPECT_EQ(usual.of_pod("other"), "unknown");
  auto renamed = event_sources::of("my-worker-tentacle-7d5f-x2z");
  EXPECT_EQ(renamed.of_pod("my-worker-tentacle-7d5f-x2z"), "tentacle");
  EXPECT_EQ(renamed.of_pod("my-worker-nfs-0"), "nfs");
  EXPECT_EQ(renamed.of_pod("octopus-script-abc"), "script");
  auto ours = event_sources::of("octopus-agent-worker-7d5f-x2z");
  EXPECT_EQ(ours.of_pod("octopus-agent-worker-7d5f-x2z"), "tentacle");
  EXPECT_EQ(ours.of_pod("octopus-agent-nfs-0"), "nfs");
  for (auto odd : {"tentacle", "-tentacle-1-2", "laptop", "a-b-c"})
    EXPECT_EQ(event_sources::of(odd).tentacle, usual.tentacle) << odd;
}
