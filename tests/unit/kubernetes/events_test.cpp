#include <gtest/gtest.h>

#include "infra/kubernetes/manifest.hpp"

using namespace cuttle;
using namespace cuttle::kubernetes;

namespace {

constexpr std::chrono::nanoseconds tick{100};

pod_event event_of(std::string type, std::string reason, std::string message) {
  pod_event result;
  result.type = std::move(type);
  result.reason = std::move(reason);
  result.message = std::move(message);
  result.occurred = timestamp{std::chrono::seconds{1'700'000'000}};
  return result;
}

} // namespace

TEST(EventLines, ShowAnOrdinaryEventAsOneDebugLine_LOG16) {
  auto event = event_of("Normal", "Scheduled", "Assigned to node-1");
  auto lines = event_lines(event, false);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].source, output_source::debug);
  EXPECT_EQ(lines[0].occurred, event.occurred);
  EXPECT_EQ(lines[0].text,
            "[POD EVENT] Scheduled | Assigned to node-1 (Count: 1)");
}

TEST(EventLines, WrapAWarningWithMarkersOneTickAway_LOG16_LOG20) {
  auto event = event_of("wARNING", "Failed", "Error: ErrImagePull");
  event.count = 3;
  auto lines = event_lines(event, false);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].text, "##octopus[stdout-warning]");
  EXPECT_EQ(lines[1].text,
            "[POD EVENT] Failed | Error: ErrImagePull (Count: 3)");
  EXPECT_EQ(lines[2].text, "##octopus[stdout-default]");
  for (auto& line : lines)
    EXPECT_EQ(line.source, output_source::out);
  EXPECT_EQ(lines[0].occurred, event.occurred - tick);
  EXPECT_EQ(lines[1].occurred, event.occurred);
  EXPECT_EQ(lines[2].occurred, event.occurred + tick);
}

TEST(EventLines, ShowPullingAsWaitInAnyCase_LOG16) {
  auto lines = event_lines(event_of("Normal", "pulling", "x"), false);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].text, "##octopus[stdout-wait]");
}

TEST(EventLines, ShowPulledAsWaitOnlyAfterPulling_LOG16) {
  auto event = event_of("Normal", "Pulled", "Already present");
  EXPECT_EQ(event_lines(event, false).size(), 1u);
  auto lines = event_lines(event, true);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].text, "##octopus[stdout-wait]");
}

TEST(EventLines, ShowBackOffOfTypeNormalAsDebug_LOG16) {
  auto lines = event_lines(event_of("Normal", "BackOff", "Back-off"), true);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].source, output_source::debug);
}

TEST(EventLines, KeepAMessageOfSeveralLinesOnOneLine) {
  auto lines = event_lines(event_of("Normal", "Killing", "a\r\n\nb\n"), false);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].text, "[POD EVENT] Killing | a b (Count: 1)");
}
