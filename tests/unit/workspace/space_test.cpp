#include <gtest/gtest.h>

#include "infra/workspace/space.hpp"

using namespace cuttle;
using namespace cuttle::workspace;

namespace {

constexpr std::uint64_t mi = 1024 * 1024;
constexpr std::uint64_t gi = 1024 * mi;
constexpr std::uint64_t required = 577'765'376;
constexpr std::uint64_t plenty = 100 * gi;

} // namespace

TEST(VolumeSpace, JudgesTheVectors_STO05) {
  EXPECT_LE(space_left(300 * mi, 100 * mi, plenty).free_bytes, required);
  EXPECT_GT(space_left(800 * mi, 100 * mi, plenty).free_bytes, required);
  EXPECT_LE(space_left(gi, 800'000'000, plenty).free_bytes, required);
}

TEST(VolumeSpace, IsNeverBelowZero_STO04) {
  auto result = space_left(10 * gi, 11 * gi, plenty);
  EXPECT_EQ(result.free_bytes, 0u);
  EXPECT_EQ(result.total_bytes, 10 * gi);
}

TEST(VolumeSpace, IsWhatTheFileSystemHasWhenThatIsLess_STO01) {
  EXPECT_EQ(judge_space(10 * gi, {10 * gi, 3 * gi, 2 * gi}).free_bytes, 2 * gi);
  EXPECT_EQ(judge_space(10 * gi, {500 * gi, gi, gi}).free_bytes, gi);
}

TEST(VolumeSpace, CountsWhatIsUsedOnAVolumeOfItsOwn_STO02) {
  EXPECT_EQ(judge_space(10 * gi, {11 * gi, 5 * gi, 5 * gi}).free_bytes, 4 * gi);
}

TEST(VolumeSpace, DoesNotCountOtherPeoplesFilesOnASharedDisk_STO02) {
  EXPECT_EQ(judge_space(10 * gi, {500 * gi, 300 * gi, 290 * gi}).free_bytes,
            10 * gi);
}

TEST(VolumeSpace, TakesTheFileSystemsWordWithoutANominalSize_STO01) {
  auto result = judge_space(std::nullopt, {500 * gi, 300 * gi, 290 * gi});
  EXPECT_EQ(result.free_bytes, 290 * gi);
  EXPECT_EQ(result.total_bytes, 500 * gi);
}

TEST(VolumeSpace, NeedsATenthMoreForAnUpload_STO06) {
  EXPECT_EQ(required_for_upload(0), mi);
  EXPECT_EQ(required_for_upload(1000), 1100 + mi);
  EXPECT_EQ(required_for_upload(-1), mi);
}

TEST(VolumeSpace, SaysBothFigures_WS07) {
  EXPECT_EQ(no_space(577'765'376, 12).text,
            "Not enough free space on disk. Required: 577765376 bytes, "
            "available: 12 bytes");
  EXPECT_EQ(no_space(1, 0).code, errc::overloaded);
}
