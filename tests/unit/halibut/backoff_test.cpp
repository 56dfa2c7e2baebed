#include <gtest/gtest.h>

#include "infra/halibut/backoff.hpp"

using namespace cuttle::halibut;
using namespace std::chrono_literals;

namespace {

const backoff::time_point start{};

} // namespace

TEST(Backoff, IsShortestAfterAnIdentifiedConnection_HAL82) {
  backoff x{1.9, 5s, 120s};
  x.attempt(start);
  x.success();
  EXPECT_EQ(x.pause(start + 3h), 5s);
}

TEST(Backoff, GrowsAsMeasuredOfTheRealOne_HAL83) {
  // Refused connections, factor 1.9: 5.0, 9.6, 27.6 s.
  backoff x{1.9, 5s, 120s};
  auto now = start;
  std::vector<std::chrono::milliseconds> pauses;
  for (int i = 0; i < 6; ++i) {
    x.attempt(now);
    pauses.push_back(x.pause(now));
    now += pauses.back();
  }
  EXPECT_EQ(pauses[0], 5s);
  EXPECT_EQ(pauses[1], 9'500ms);
  EXPECT_EQ(pauses[2], 27'550ms);
  EXPECT_EQ(pauses[3], 79'895ms);
  EXPECT_EQ(pauses[4], 120s);
  EXPECT_EQ(pauses[5], 120s);
}

TEST(Backoff, CountsTheTimeOfTheAttempts) {
  backoff x{1.0, 5s, 120s};
  x.attempt(start);
  EXPECT_EQ(x.pause(start + 60s), 60s);
}

TEST(Backoff, StartsAnewAfterASuccess_HAL84) {
  backoff x{2.0, 5s, 120s};
  x.attempt(start);
  EXPECT_EQ(x.pause(start + 100s), 120s);
  x.attempt(start + 220s);
  x.success();
  EXPECT_EQ(x.pause(start + 300s), 5s);
  x.attempt(start + 305s);
  EXPECT_EQ(x.pause(start + 306s), 5s);
}

TEST(Backoff, StaysWithinItsBoundsAfterYears) {
  backoff x{2.0, 5s, 120s};
  x.attempt(start);
  EXPECT_EQ(x.pause(start + 24h * 365 * 100), 120s);
}
