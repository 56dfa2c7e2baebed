#include <gtest/gtest.h>

#include "infra/workspace/store.hpp"

using cuttle::workspace::parse_quantity;

TEST(ParseQuantity, ReadsTheVectors_STO01) {
  EXPECT_EQ(parse_quantity("1Gi"), 1'073'741'824u);
  EXPECT_EQ(parse_quantity("10Gi"), 10'737'418'240u);
  EXPECT_EQ(parse_quantity("10Mi"), 10'485'760u);
  EXPECT_EQ(parse_quantity("1M"), 1'000'000u);
}

TEST(ParseQuantity, ReadsEachSuffix_STO01) {
  EXPECT_EQ(parse_quantity("123"), 123u);
  EXPECT_EQ(parse_quantity("0"), 0u);
  EXPECT_EQ(parse_quantity("0Ei"), 0u);
  EXPECT_EQ(parse_quantity("+2k"), 2000u);
  EXPECT_EQ(parse_quantity("3Ki"), 3072u);
  EXPECT_EQ(parse_quantity("1G"), 1'000'000'000u);
  EXPECT_EQ(parse_quantity("2Ti"), 2u * (std::uint64_t{1} << 40));
  EXPECT_EQ(parse_quantity("1P"), 1'000'000'000'000'000u);
  EXPECT_EQ(parse_quantity("1E"), 1'000'000'000'000'000'000u);
  EXPECT_EQ(parse_quantity("15Ei"), 15u * (std::uint64_t{1} << 60));
  EXPECT_EQ(parse_quantity("1500m"), 2u);
  EXPECT_EQ(parse_quantity("1n"), 1u);
}

TEST(ParseQuantity, ReadsFractionsAndExponents_STO01) {
  EXPECT_EQ(parse_quantity("1.5Gi"), 1'610'612'736u);
  EXPECT_EQ(parse_quantity(".5Ki"), 512u);
  EXPECT_EQ(parse_quantity("5."), 5u);
  EXPECT_EQ(parse_quantity("0.1"), 1u);
  EXPECT_EQ(parse_quantity("12e3"), 12'000u);
  EXPECT_EQ(parse_quantity("1.5E6"), 1'500'000u);
  EXPECT_EQ(parse_quantity("100e-2"), 1u);
}

TEST(ParseQuantity, RefusesOtherText_STO01) {
  for (auto* text :
       {"", " ", "Gi", "-1Gi", "1 Gi", "1gi", "1KI", "1.2.3", ".", "1e", "1e+",
        "1ex", "ten", "16Ei", "19E", "1e99", "1Gi ", "99999999999999999999"})
    EXPECT_FALSE(parse_quantity(text)) << text;
}
