#include <gtest/gtest.h>

#include "infra/workspace/safe_name.hpp"

using namespace cuttle;
using namespace cuttle::workspace;

namespace {

using parts = std::vector<std::string>;

} // namespace

TEST(SafeName, TakesNamesBelowTheFolder) {
  EXPECT_EQ(safe_parts("a"), parts{"a"});
  EXPECT_EQ(safe_parts("a/b/c.txt"), (parts{"a", "b", "c.txt"}));
  EXPECT_EQ(safe_parts("./a//b"), (parts{"a", "b"}));
  EXPECT_EQ(safe_parts("..a/...b/c.."), (parts{"..a", "...b", "c.."}));
  EXPECT_EQ(safe_parts("with blank and \\"), parts{"with blank and \\"});
}

TEST(SafeName, RefusesNamesThatLeaveOrNameNothing) {
  using namespace std::string_view_literals;
  for (auto name : {""sv, "."sv, "a/"sv, "a/."sv, "/a"sv, ".."sv, "../a"sv,
                    "a/../../b"sv, "a/.."sv, "a\0b"sv, "/"sv})
    EXPECT_EQ(safe_parts(name).error().code, errc::invalid_request) << name;
  EXPECT_FALSE(safe_parts(std::string(256, 'a')));
  EXPECT_TRUE(safe_parts(std::string(255, 'a')));
  EXPECT_FALSE(safe_parts(std::string(5000, '/') + "a"));
}

TEST(SafeName, SaysWhichNameAndWhy) {
  EXPECT_EQ(safe_parts("../x").error().text,
            "The file name '../x' is refused: it leaves the workspace.");
}
