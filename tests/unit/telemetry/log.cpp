#include "infra/telemetry/log.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <sstream>
#include <vector>

namespace cuttle::telemetry {

namespace {

using settings::log_level;

// What `job` writes to standard error, as lines.
template <class Job>
std::vector<std::string> lines_of(Job job) {
  testing::internal::CaptureStderr();
  job();
  std::istringstream text{testing::internal::GetCapturedStderr()};
  std::vector<std::string> result;
  for (std::string line; std::getline(text, line);)
    result.push_back(line);
  return result;
}

// `2026-01-31T…Z ` in front of each line.
constexpr std::size_t stamp_length = 25;

// The text with each digit as 0.
std::string shape_of(std::string text) {
  std::replace_if(
    text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }, '0');
  return text;
}

} // namespace

TEST(Log, WritesPlainValuesWithoutQuotes) {
  auto lines = lines_of([] {
    warn("link-lost", {{"server", "octopus:10943"}, {"attempt", 3}});
  });
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0], "link-lost server=octopus:10943 attempt=3");
}

TEST(Log, QuotesValuesThatWouldReadAsTwoFields) {
  auto lines = lines_of([] {
    warn("event", {{"space", "a b"},
                   {"equals", "x=y"},
                   {"empty", ""},
                   {"quote", "say \"hi\""},
                   {"back", "c:\\temp"}});
  });
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0], R"(event space="a b" equals="x=y" empty="" )"
                      R"(quote="say \"hi\"" back="c:\\temp")");
}

TEST(Log, KeepsOneEventOnOneLine) {
  auto lines = lines_of([] {
    error("event", {{"text", "first\nsecond\r\n"},
                    {"bell", std::string{"\x07\0\x7f", 3}}});
  });
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0],
            R"(event text="first\nsecond\x0d\n" bell="\x07\x00\x7f")");
}

TEST(Log, LeavesUtf8AsItIs) {
  auto lines = lines_of([] { warn("event", {{"name", "héllo"}}); });
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0], "event name=héllo");
}

TEST(Log, DropsLinesBelowWarnBeforeTheStart) {
  auto lines = lines_of([] {
    debug("quiet");
    info("quiet");
    warn("loud");
    error("loud");
  });
  EXPECT_EQ(lines, (std::vector<std::string>{"loud", "loud"}));
  EXPECT_FALSE(enabled(log_level::info));
  EXPECT_TRUE(enabled(log_level::warn));
  EXPECT_FALSE(enabled(log_level::off));
}

TEST(Log, WritesTimeAndLevelBeforeTheEvent) {
  auto lines = lines_of([] {
    start_logging(log_level::debug);
    log(log_level::trace, "not-written");
    debug("one");
    info("two", {{"a", "b c"}});
    warn("three");
    error("four");
    stop_logging();
  });
  ASSERT_EQ(lines.size(), 4u);
  std::vector<std::string> expected{"debug one", "info two a=\"b c\"",
                                    "warning three", "error four"};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_GT(lines[i].size(), stamp_length) << lines[i];
    EXPECT_EQ(shape_of(lines[i].substr(0, stamp_length)),
              "0000-00-00T00:00:00.000Z ");
    EXPECT_EQ(lines[i].substr(stamp_length), expected[i]);
  }
}

TEST(Log, NeverTakesAValueForAFormat) {
  auto lines = lines_of([] {
    start_logging(log_level::info);
    info("event", {{"text", "{} %s {0}"}});
    stop_logging();
  });
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find(R"(event text="{} %s {0}")"), std::string::npos);
}

} // namespace cuttle::telemetry
