#include <gtest/gtest.h>
#include <random>
#include <vector>

#include "programs/runner/line_splitter.hpp"

using cuttle::runner::line_splitter;

namespace {

using lines = std::vector<std::string>;

lines split(std::string_view data, std::size_t limit = 1000,
            std::size_t chunk = 100'000) {
  lines result;
  line_splitter uut{limit,
                    [&](std::string_view line) { result.emplace_back(line); }};
  for (std::size_t i = 0; i < data.size(); i += chunk)
    uut.push(data.substr(i, chunk));
  uut.finish();
  return result;
}

std::string joined(const lines& pieces) {
  std::string result;
  for (const auto& piece : pieces)
    result += piece;
  return result;
}

} // namespace

TEST(LineSplitter, CutsAtLineFeeds_BR08) {
  EXPECT_EQ(split("a\nb\n"), (lines{"a", "b"}));
  EXPECT_EQ(split("a\n\n\nb"), (lines{"a", "", "", "b"}));
  EXPECT_EQ(split("\n"), lines{""});
  EXPECT_EQ(split(""), lines{});
}

TEST(LineSplitter, RemovesOneCarriageReturn_BR08) {
  EXPECT_EQ(split("x\r\r\n"), lines{"x\r"});
  EXPECT_EQ(split("x\r\ny\rz\n\r\n"), (lines{"x", "y\rz", ""}));
}

TEST(LineSplitter, DoesNotDependOnHowTheStreamIsCut) {
  auto data = std::string{"one\r\ntwo\n\r\n\nthree\r\r\nlonger than the rest"};
  auto expected = split(data);
  for (std::size_t chunk = 1; chunk <= data.size(); ++chunk)
    EXPECT_EQ(split(data, 1000, chunk), expected);
}

TEST(LineSplitter, SplitsAnOverlongLineAndLosesNothing_BR10) {
  EXPECT_EQ(split("1234\n", 4), lines{"1234"});
  EXPECT_EQ(split("12345\n", 4), (lines{"1234", "5"}));
  EXPECT_EQ(split("12345678\n9\n", 4), (lines{"1234", "5678", "9"}));
  EXPECT_EQ(split("12345678", 4), (lines{"1234", "5678"}));
}

TEST(LineSplitter, DoesNotMakeALineOfACarriageReturnAfterTheLimit_BR10) {
  for (std::size_t chunk = 1; chunk < 8; ++chunk) {
    EXPECT_EQ(split("1234\r\nx\n", 4, chunk), (lines{"1234", "x"}));
    EXPECT_EQ(split("12345678\r\nx\n", 4, chunk), (lines{"1234", "5678", "x"}));
    EXPECT_EQ(split("1234\r\n\n", 4, chunk), (lines{"1234", ""}));
  }
}

TEST(LineSplitter, DoesNotTearACharacter_BR10) {
  EXPECT_EQ(split("123\xE2\x82\xAC"
                  "4\n",
                  4),
            (lines{"123", "\xE2\x82\xAC"
                          "4"}));
  EXPECT_EQ(split("1\xF0\x9F\x90\x99z\n", 4),
            (lines{"1", "\xF0\x9F\x90\x99", "z"}));
  // What is no UTF-8 is cut at the limit.
  EXPECT_EQ(split("\x80\x80\x80\x80\x80\x80\n", 4),
            (lines{"\x80\x80\x80\x80", "\x80\x80"}));
}

TEST(LineSplitter, KeepsEachByteOfRandomStreams) {
  for (unsigned seed = 1; seed <= 500; ++seed) {
    std::mt19937 random{seed};
    std::string data;
    for (auto i = random() % 200; i > 0; --i)
      data += "a\xC3\xA9\r\n"[random() % 5];
    std::string expected;
    for (std::size_t i = 0; i < data.size(); ++i)
      if (data[i] != '\n' && data.substr(i, 2) != "\r\n")
        expected += data[i];
    EXPECT_EQ(joined(split(data, 7, 1 + random() % 20)), expected);
    for (const auto& line : split(data, 7))
      EXPECT_LE(line.size(), 7u);
  }
}
