#include <gtest/gtest.h>

#include "infra/crypto/text_encoding.hpp"

namespace cuttle::crypto {

namespace {

constexpr std::string_view bad = "\xEF\xBF\xBD";

std::string times(std::size_t count) {
  std::string result;
  while (count-- > 0)
    result += bad;
  return result;
}

std::string decoded(std::string_view hex) {
  return decode_text(from_hex(hex).value());
}

} // namespace

TEST(Utf8, LeavesWellFormedTextAlone) {
  std::string text{"a\0\x7F \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x90\x99", 15};
  EXPECT_TRUE(valid_utf8(text));
  EXPECT_EQ(sanitise_utf8(text), text);
}

TEST(Utf8, ReplacesEachByteOfALongBadRun_HAL64) {
  EXPECT_EQ(sanitise_utf8(std::string(300, '\xFF')), times(300));
  EXPECT_EQ(sanitise_utf8(std::string(300, '\x80')), times(300));
}

// The examples of the Unicode standard, section 3.9.
TEST(Utf8, ReplacesEachMaximalPart) {
  EXPECT_EQ(sanitise_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            times(8) + "A");
  EXPECT_EQ(sanitise_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"),
            times(8) + "A");
  EXPECT_EQ(sanitise_utf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"),
            times(5) + std::string{"A"} + times(2) + "B");
  EXPECT_EQ(sanitise_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"),
            times(4) + "A");
}

TEST(Utf8, IsAlwaysWellFormedAfterwards) {
  for (int first = 0; first < 256; ++first)
    for (int second = 0; second < 256; ++second) {
      std::string text{static_cast<char>(first), static_cast<char>(second),
                       '\xBF', 'x'};
      auto clean = sanitise_utf8(text);
      ASSERT_TRUE(valid_utf8(clean)) << first << ' ' << second;
      ASSERT_EQ(clean.back(), 'x');
    }
}

TEST(TextFile, IsUtf8WithoutMark_WS05) {
  EXPECT_EQ(decoded("68c3a9"), "h\xC3\xA9");
  EXPECT_EQ(decoded(""), "");
  EXPECT_EQ(decoded("68e9"), std::string{"h"} + times(1));
}

TEST(TextFile, FollowsItsByteOrderMark_WS05) {
  EXPECT_EQ(decoded("efbbbf41"), "A");
  EXPECT_EQ(decoded("fffe3dd819dc"), "\xF0\x9F\x90\x99");
  EXPECT_EQ(decoded("feffd83ddc19"), "\xF0\x9F\x90\x99");
  EXPECT_EQ(decoded("fffe000019f40100"), "\xF0\x9F\x90\x99");
  EXPECT_EQ(decoded("0000feff0001f419"), "\xF0\x9F\x90\x99");
}

TEST(TextFile, ReplacesLoneSurrogatesAndCutCharacters_WS05) {
  EXPECT_EQ(decoded("fffe3dd84100"), times(1) + "A");
  EXPECT_EQ(decoded("fffe19dc4100"), times(1) + "A");
  EXPECT_EQ(decoded("fffe3dd8"), times(1));
  EXPECT_EQ(decoded("fffe410042"), std::string{"A"} + times(1));
  EXPECT_EQ(decoded("0000feff001100000000"), times(2));
}

} // namespace cuttle::crypto
