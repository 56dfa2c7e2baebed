#include <gtest/gtest.h>

#include "infra/podlog/frame.hpp"

using namespace cuttle::podlog;
using namespace std::chrono;

TEST(ParseTime, ReadsNanoseconds) {
  auto expected = sys_days{2024y / 1 / 1} + 17h + 4min + 5s + 678'901'234ns;
  EXPECT_EQ(parse_time("2024-01-01T17:04:05.678901234Z"), expected);
}

TEST(ParseTime, ReadsShorterAndLongerFractions) {
  auto second = sys_days{2024y / 2 / 29} + 23h + 59min + 59s;
  EXPECT_EQ(parse_time("2024-02-29T23:59:59Z"), second);
  EXPECT_EQ(parse_time("2024-02-29T23:59:59.5Z"), second + 500ms);
  EXPECT_EQ(parse_time("2024-02-29T23:59:59.1234567891Z"),
            second + 123'456'789ns);
}

TEST(ParseTime, ReadsOffsets) {
  auto expected = sys_days{2024y / 1 / 1} + 1h;
  EXPECT_EQ(parse_time("2024-01-01T01:00:00+00:00"), expected);
  EXPECT_EQ(parse_time("2024-01-01T03:30:00+02:30"), expected);
  EXPECT_EQ(parse_time("2023-12-31T20:00:00.0000000-05:00"), expected);
}

TEST(ParseTime, RefusesOtherText) {
  for (auto* text :
       {"", "1", "2024", "2024-01-01", "2024-01-01T17:04:05",
        "2024-01-01T17:04:05.Z", "2024-01-01 17:04:05Z", "2024-13-01T00:00:00Z",
        "2023-02-29T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:61Z", "2024-01-01T00:00:00Zx",
        "2024-01-01T00:00:00+2", "2024-01-01T00:00:00+99:00",
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "-024-01-01T00:00:00Z"})
    EXPECT_FALSE(parse_time(text)) << text;
}
