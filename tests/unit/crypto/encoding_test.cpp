#include <gtest/gtest.h>

#include "infra/crypto/cipher.hpp"

namespace cuttle::crypto {

namespace {

std::optional<std::string> decoded(std::string_view text) {
  auto data = from_base64(text);
  if (!data)
    return std::nullopt;
  return std::string{data->begin(), data->end()};
}

} // namespace

TEST(Base64, MatchesTheVectorsOfRfc4648) {
  constexpr std::pair<std::string_view, std::string_view> vectors[]
    = {{"", ""},
       {"f", "Zg=="},
       {"fo", "Zm8="},
       {"foo", "Zm9v"},
       {"foob", "Zm9vYg=="},
       {"fooba", "Zm9vYmE="},
       {"foobar", "Zm9vYmFy"}};
  for (auto& [plain, text] : vectors) {
    EXPECT_EQ(to_base64(as_bytes(plain)), text);
    EXPECT_EQ(decoded(text), std::string{plain});
  }
}

TEST(Base64, IgnoresWhiteSpace_BR03) {
  EXPECT_EQ(decoded("\r\n Zm9v\tYm\r\nFy\n"), "foobar");
  EXPECT_EQ(decoded(" \n"), "");
}

TEST(Base64, RejectsMalformedText_BR03) {
  for (auto text : {"Z", "Zg", "Zg=", "Zg===", "=Zg=", "Zg==Zg==", "Zm9-",
                    "Zm9_", "Zm 9*", "====", "Zm=v"})
    EXPECT_EQ(decoded(text), std::nullopt) << text;
}

TEST(Base64, RoundTripsMoreThanOnePiece) {
  for (std::size_t size : {3145728u - 1, 3145728u, 3145728u + 1, 7000000u}) {
    bytes data(size, 0xA5);
    data[size / 2] = 1;
    auto text = to_base64(data);
    EXPECT_EQ(text.size(), (size + 2) / 3 * 4);
    EXPECT_TRUE(from_base64(text) == data);
  }
}

TEST(Hex, RoundTripsAndAcceptsBothCases) {
  EXPECT_EQ(to_hex(bytes{0x00, 0x7f, 0xff}), "007fff");
  EXPECT_EQ(from_hex("007FfF"), (bytes{0x00, 0x7f, 0xff}));
  EXPECT_EQ(from_hex(""), bytes{});
}

TEST(Hex, RejectsMalformedText) {
  for (auto text : {"0", "0g", " 00", "0x00", "00 "})
    EXPECT_EQ(from_hex(text), std::nullopt) << text;
}

} // namespace cuttle::crypto
