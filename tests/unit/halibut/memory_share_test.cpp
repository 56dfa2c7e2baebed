#include <gtest/gtest.h>

#include "infra/halibut/memory_share.hpp"

using namespace cuttle;
using namespace cuttle::halibut;

namespace {

constexpr auto unit = memory_share::free_bytes;

halibut::limits of(std::size_t bytes) {
  halibut::limits result;
  result.message_bytes = bytes;
  result.all_messages_bytes = bytes;
  return result;
}

} // namespace

TEST(MemoryShare, CountsNothingOfTheFirstPart) {
  std::size_t all = 0;
  memory_share one{all, of(1)};
  EXPECT_TRUE(one.add(unit));
  EXPECT_EQ(all, 0u);
  EXPECT_TRUE(one.add(1));
  EXPECT_EQ(all, 1u);
  EXPECT_FALSE(one.add(1));
  EXPECT_EQ(all, 1u);
}

TEST(MemoryShare, IsBoundedWithAllOthers) {
  std::size_t all = 0;
  memory_share one{all, of(10)};
  {
    memory_share two{all, of(10)};
    EXPECT_TRUE(two.add(unit + 6));
    EXPECT_TRUE(one.add(unit + 4));
    auto refused = one.add(1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::overloaded);
    EXPECT_NE(refused.error().text.find(raise::all_messages),
              std::string::npos);
    memory_share three{all, of(10)};
    EXPECT_TRUE(three.add(unit)) << "a little is always there";
  }
  EXPECT_EQ(all, 4u) << "what went with its owner is free";
  EXPECT_TRUE(one.add(6));
}

TEST(MemoryShare, GivesBackWhatItTook) {
  std::size_t all = 0;
  memory_share one{all, of(10 * unit)};
  EXPECT_TRUE(one.grow_to(3 * unit));
  EXPECT_TRUE(one.grow_to(2 * unit));
  EXPECT_EQ(all, 2 * unit);
  one.drop(unit);
  EXPECT_EQ(all, unit);
  one.drop(unit);
  EXPECT_EQ(all, 0u);
  EXPECT_TRUE(one.add(5 * unit));
  EXPECT_EQ(all, 5 * unit);
  one.clear();
  EXPECT_EQ(all, 0u);
}

TEST(MemoryShare, HasRoomForOneMessageWhateverTheSettings) {
  auto limits = of(100);
  limits.all_messages_bytes = 10;
  std::size_t all = 0;
  memory_share one{all, limits};
  EXPECT_TRUE(one.add(unit + 100));
}
