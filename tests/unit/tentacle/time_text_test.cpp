#include <gtest/gtest.h>

#include "infra/tentacle/time_text.hpp"

namespace cuttle::tentacle {

namespace {

std::optional<std::int64_t> ticks_of(std::string_view text) {
  auto value = parse_time_span(text);
  if (!value)
    return std::nullopt;
  return value->count();
}

std::optional<std::int64_t> milliseconds_of(std::string_view text) {
  auto value = parse_iso_time(text);
  if (!value)
    return std::nullopt;
  return to_bson_date(*value);
}

constexpr std::int64_t second = 10'000'000;

} // namespace

TEST(TimeSpan, IsReadWithAndWithoutDaysFractionAndSign_HAL61) {
  EXPECT_EQ(ticks_of("00:00:00"), 0);
  EXPECT_EQ(ticks_of("00:02:00"), 120 * second);
  EXPECT_EQ(ticks_of("00:00:01.5000000"), 15'000'000);
  EXPECT_EQ(ticks_of("00:00:01.5"), 15'000'000);
  EXPECT_EQ(ticks_of("00:00:00.0000001"), 1);
  EXPECT_EQ(ticks_of("1.00:00:00"), 86'400 * second);
  EXPECT_EQ(ticks_of("-1.00:00:00"), -86'400 * second);
  EXPECT_EQ(ticks_of("-00:00:00.0010000"), -10'000);
  EXPECT_EQ(ticks_of("24.20:31:23.6470000"), 2'147'483'647 * (second / 1000));
  EXPECT_EQ(ticks_of("10675199.02:48:05.4775807"),
            std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(ticks_of(" 1:2:3 "), 3723 * second);
}

TEST(TimeSpan, RejectsOtherText_HAL61) {
  for (auto text : {"",
                    " ",
                    "-",
                    "1",
                    "1.",
                    "00:00",
                    "24:00:00",
                    "00:60:00",
                    "00:00:60",
                    "00:00:00.",
                    "00:00:00.00000000",
                    "+00:00:01",
                    "1.1.00:00:00",
                    "00:00:00x",
                    "x",
                    "--00:00:01",
                    "1.-00:00:01",
                    "100:00:00",
                    "10675199.02:48:05.4775808",
                    "99999999.00:00:00",
                    "999999999.00:00:00",
                    "00:00:1\n0",
                    "\xFF"})
    EXPECT_EQ(ticks_of(text), std::nullopt) << text;
}

TEST(TimeSpan, IsWrittenAsDotNetDoes) {
  for (auto text : {"00:00:00", "00:02:00", "00:00:01.5000000", "1.00:00:00",
                    "24.20:31:23.6470000", "-1.02:03:04.0000005",
                    "-00:00:00.0010000", "10675199.02:48:05.4775807"})
    EXPECT_EQ(to_time_span(parse_time_span(text).value()), text);
  EXPECT_EQ(to_time_span(ticks::min()), "-10675199.02:48:05.4775808");
}

TEST(IsoTime, IsReadWithAnyOffset_HAL60) {
  EXPECT_EQ(milliseconds_of("2024-01-01T17:04:05.678Z"), 1704128645678);
  EXPECT_EQ(milliseconds_of("2024-01-01T17:04:05.678"), 1704128645678);
  EXPECT_EQ(milliseconds_of("2024-01-01T19:04:05.6780000+02:00"),
            1704128645678);
  EXPECT_EQ(milliseconds_of("2024-01-01T11:34:05.678901234-05:30"),
            1704128645678);
  EXPECT_EQ(milliseconds_of("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(milliseconds_of("2024-02-29T00:00:00Z"), 1709164800000);
}

TEST(IsoTime, RejectsOtherText_HAL60) {
  for (auto text : {"", "2024", "2024-01-01", "2024-13-01T00:00:00Z",
                    "2023-02-29T00:00:00Z", "2024-01-01T25:00:00Z",
                    "2024-01-01T00:00:00z", "2024-01-01T00:00:00+0200",
                    "2024-01-01T00:00:00+15:00", "2024-01-01T00:00:00ZZ",
                    "0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z"})
    EXPECT_EQ(milliseconds_of(text), std::nullopt) << text;
}

TEST(BsonDate, ClampsWhatTheClockCanNotHold) {
  EXPECT_EQ(from_bson_date(std::numeric_limits<std::int64_t>::max())
                .time_since_epoch()
                .count()
              > 0,
            true);
  EXPECT_LT(from_bson_date(std::numeric_limits<std::int64_t>::min()),
            timestamp{});
  for (std::int64_t value :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1704128645678}})
    EXPECT_EQ(to_bson_date(from_bson_date(value)), value);
}

} // namespace cuttle::tentacle
