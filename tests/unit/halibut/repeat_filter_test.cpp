#include <gtest/gtest.h>

#include "infra/halibut/repeat_filter.hpp"

using namespace cuttle::halibut;
using namespace std::chrono_literals;

namespace {

const repeat_filter::time_point start{1h};

} // namespace

TEST(RepeatFilter, TellsATextOnceInItsTimeAndHowManyWereKeptBack) {
  repeat_filter filter;
  EXPECT_EQ(filter.admit("a", start), 0u);
  for (int i = 1; i <= 7; ++i)
    EXPECT_EQ(filter.admit("a", start + i * 1s), std::nullopt);
  EXPECT_EQ(filter.admit("b", start + 8s), 7u) << "another text is told";
  EXPECT_EQ(filter.admit("a", start + repeat_filter::period - 1ms),
            std::nullopt);
  EXPECT_EQ(filter.admit("a", start + repeat_filter::period), 1u);
}

TEST(RepeatFilter, TellsNoMoreThanAFewOfManyTexts) {
  repeat_filter filter;
  std::size_t told = 0;
  for (int i = 0; i < 100'000; ++i)
    told += filter.admit("peer " + std::to_string(i), start) ? 1 : 0;
  EXPECT_EQ(told, repeat_filter::budget);
  auto later = start + repeat_filter::period;
  EXPECT_EQ(filter.admit("new", later), 100'000u - repeat_filter::budget);
}
