#include <gtest/gtest.h>

#include "infra/halibut/rpc.hpp"

using namespace cuttle::halibut;

namespace {

constexpr auto text = "8c381b65-bb84-4e47-a84b-d665b55f8b7f";

constexpr guid bytes = {0x65, 0x1b, 0x38, 0x8c, 0x84, 0xbb, 0x47, 0x4e,
                        0xa8, 0x4b, 0xd6, 0x65, 0xb5, 0x5f, 0x8b, 0x7f};

} // namespace

TEST(Guid, HasTheByteOrderOfNet_HAL58) {
  EXPECT_EQ(to_string(bytes), text);
  EXPECT_EQ(parse_guid(text), bytes);
}

TEST(Guid, ParsesUpperCase) {
  EXPECT_EQ(parse_guid("8C381B65-BB84-4E47-A84B-D665B55F8B7F"), bytes);
}

TEST(Guid, RefusesOtherText) {
  for (auto x : {"", "8c381b65", "8c381b65-bb84-4e47-a84b-d665b55f8b7",
                 "8c381b65-bb84-4e47-a84b-d665b55f8b7f0",
                 "8c381b65+bb84-4e47-a84b-d665b55f8b7f",
                 "8c381b65-bb84-4e47-a84b-d665b55f8b7g"})
    EXPECT_FALSE(parse_guid(x)) << x;
}

TEST(Guid, IsRandomOfVersionFour) {
  auto a = make_guid();
  auto b = make_guid();
  EXPECT_NE(a, b);
  EXPECT_EQ(to_string(a)[14], '4');
  EXPECT_NE(std::string{"89ab"}.find(to_string(a)[19]), std::string::npos);
}
