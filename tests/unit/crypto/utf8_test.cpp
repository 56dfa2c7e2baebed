#include <gtest/gtest.h>

#include "infra/crypto/text_encoding.hpp"

using cuttle::crypto::sanitise_utf8;
using cuttle::crypto::valid_utf8;

namespace {

const std::string r = "\xEF\xBF\xBD";

} // namespace

TEST(SanitiseUtf8, KeepsValidText) {
  for (std::string text :
       {std::string{}, std::string{"plain text of more than eight bytes"},
        std::string{"h\xC3\xA9llo \xE2\x82\xAC \xF0\x9F\x90\x99 w\xC3\xB6rld"},
        std::string{"\0x\0", 3}, std::string{"\xED\x9F\xBF\xEE\x80\x80"},
        std::string{"\xF4\x8F\xBF\xBF"}}) {
    EXPECT_TRUE(valid_utf8(text));
    EXPECT_EQ(sanitise_utf8(text), text);
  }
}

TEST(SanitiseUtf8, ReplacesEachPieceOnce) {
  EXPECT_EQ(sanitise_utf8("\xFF"), r);
  EXPECT_EQ(sanitise_utf8("a\x80z"), "a" + r + "z");
  EXPECT_EQ(sanitise_utf8("\xE2\x82"), r);
  EXPECT_EQ(sanitise_utf8("\xE2\x82 x"), r + " x");
  EXPECT_EQ(sanitise_utf8("\xF0\x9F\x90"), r);
  // Over-long, a surrogate, beyond U+10FFFF: each byte on its own.
  EXPECT_EQ(sanitise_utf8("\xC0\xAF"), r + r);
  EXPECT_EQ(sanitise_utf8("\xE0\x80\x80"), r + r + r);
  EXPECT_EQ(sanitise_utf8("\xED\xA0\x80"), r + r + r);
  EXPECT_EQ(sanitise_utf8("\xF4\x90\x80\x80"), r + r + r + r);
  EXPECT_EQ(sanitise_utf8("\xF5"), r);
}

TEST(SanitiseUtf8, MakesEachPairOfBytesValid) {
  for (auto x = 0; x < 256; ++x) {
    for (auto y = 0; y < 256; ++y) {
      std::string text = "12345678";
      text += static_cast<char>(x);
      text += static_cast<char>(y);
      auto result = sanitise_utf8(text);
      EXPECT_TRUE(valid_utf8(result));
      EXPECT_EQ(valid_utf8(text), result == text);
    }
  }
}
