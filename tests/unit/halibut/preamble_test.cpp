#include <gtest/gtest.h>
#include <string>

#include "infra/halibut/preamble.hpp"

using namespace cuttle;
using namespace cuttle::halibut;

namespace {

std::span<const std::uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

} // namespace

TEST(Preamble, HasEitherNewlineAndTakesNothingBeyond_HAL25) {
  for (std::string text : {"MX\n\n", "MX\r\n\r\n", "MX\n\r\n", "MX\r\r\n\n"}) {
    preamble_reader reader{100};
    EXPECT_EQ(reader.feed(bytes(text + "MX-CLIENT")), text.size());
    EXPECT_TRUE(reader.done());
    EXPECT_TRUE(reader.is_halibut());
  }
}

TEST(Preamble, ComesInPieces) {
  preamble_reader reader{100};
  for (auto c : std::string{"MX\r\n\r\n"}) {
    EXPECT_FALSE(reader.done());
    EXPECT_EQ(reader.feed(bytes({&c, 1})), 1u);
  }
  EXPECT_TRUE(reader.done());
}

TEST(Preamble, TellsAProbe_HAL27) {
  for (auto text : {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HELLO\n\n", "\n\n",
                    "M\n\n", "XM\n\n"}) {
    preamble_reader reader{100};
    EXPECT_TRUE(reader.feed(bytes(text)));
    EXPECT_TRUE(reader.done());
    EXPECT_FALSE(reader.is_halibut());
  }
}

TEST(Preamble, HasALimit_HAL28) {
  auto text = std::string(98, 'x') + "\n\n";
  preamble_reader at_limit{100};
  EXPECT_TRUE(at_limit.feed(bytes(text)));
  EXPECT_TRUE(at_limit.done());
  preamble_reader beyond{99};
  auto result = beyond.feed(bytes(text));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::protocol_error);
}

TEST(ProbePage, SaysItsLength_HAL27) {
  std::string page{probe_page()};
  auto end = page.find("\r\n\r\n");
  ASSERT_NE(end, std::string::npos);
  auto body = page.size() - end - 4;
  EXPECT_NE(page.find("Content-Length: " + std::to_string(body) + "\r\n"),
            std::string::npos);
}
