#include <gtest/gtest.h>

#include "infra/halibut/control_line.hpp"

using namespace cuttle;
using namespace cuttle::halibut;

namespace {

std::span<const std::uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

} // namespace

TEST(ControlLine, EndsWithCarriageReturnAndLineFeed) {
  line_reader reader{100};
  EXPECT_EQ(reader.feed(bytes("NEXT\r\nmore")), 6u);
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reader.line(), "NEXT");
}

TEST(ControlLine, ComesInPieces_HAL50) {
  line_reader reader{100};
  for (auto c : std::string{"NEXT\r\n"}) {
    EXPECT_FALSE(reader.done());
    EXPECT_EQ(reader.feed(bytes({&c, 1})), 1u);
  }
  EXPECT_TRUE(reader.done());
  reader.reset();
  EXPECT_FALSE(reader.done());
  EXPECT_EQ(reader.feed(bytes("\r\n")), 2u);
  EXPECT_EQ(reader.line(), "");
}

TEST(ControlLine, NeedsALineFeedAfterCarriageReturn_HAL24) {
  line_reader reader{100};
  auto result = reader.feed(bytes("NEXT\rNEXT\r\n"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::protocol_error);
}

TEST(ControlLine, TakesALoneLineFeedAsData) {
  line_reader reader{100};
  ASSERT_TRUE(reader.feed(bytes("NE\nXT\r\n")));
  EXPECT_EQ(reader.line(), "NE\nXT");
}

TEST(ControlLine, HasALimit) {
  line_reader at_limit{10};
  EXPECT_EQ(at_limit.feed(bytes("0123456789\r\n")), 12u);
  line_reader beyond{10};
  EXPECT_FALSE(beyond.feed(bytes("01234567890\r\n")));
}

TEST(Identity, IsParsedWhateverItsVersion_HAL23) {
  EXPECT_EQ(parse_identity("MX-SERVER 1.0")->role, peer_role::server);
  EXPECT_EQ(parse_identity("MX-SERVER 9.9 more tokens")->role,
            peer_role::server);
  EXPECT_EQ(parse_identity("  MX-CLIENT")->role, peer_role::client);
  auto subscriber = parse_identity("MX-SUBSCRIBER  1.0   poll://abc/ x");
  ASSERT_TRUE(subscriber);
  EXPECT_EQ(subscriber->role, peer_role::subscriber);
  EXPECT_EQ(subscriber->subscription, "poll://abc/");
}

TEST(Identity, IsNothingElse_HAL24) {
  for (auto x : {"", " ", "mx-server 1.0", "MX-SERVERS 1.0", "MX-SUBSCRIBER",
                 "MX-SUBSCRIBER 1.0", "GET / HTTP/1.1"})
    EXPECT_FALSE(parse_identity(x)) << x;
}

TEST(Identity, IsWrittenWithItsEmptyLine_HAL20) {
  EXPECT_EQ(format_identity({peer_role::server, {}}), "MX-SERVER 1.0\r\n\r\n");
  EXPECT_EQ(format_identity({peer_role::client, {}}), "MX-CLIENT 1.0\r\n\r\n");
  EXPECT_EQ(format_identity({peer_role::subscriber, "poll://abc123/"}),
            "MX-SUBSCRIBER 1.0 poll://abc123/\r\n\r\n");
}

TEST(Printable, HidesWhatIsNotAndCutsWhatIsLong) {
  EXPECT_EQ(printable("a\r\n\xFF z"), "a??? z");
  EXPECT_EQ(printable(std::string(60, 'x')), std::string(60, 'x'));
  EXPECT_EQ(printable(std::string(61, 'x')), std::string(60, 'x') + "...");
}
