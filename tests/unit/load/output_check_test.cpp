#include <gtest/gtest.h>

#include "infra/load/output_check.hpp"
#include "infra/load/script_plan.hpp"

namespace cuttle::load {

namespace {

void feed(output_check& check, const std::string& text) {
  auto line = read_load_line(text);
  ASSERT_TRUE(line) << text;
  check.add(*line);
}

TEST(OutputCheck, FindsNothingWrongWithWhatAScriptPrints) {
  script_plan plan{3, 4, {}, {}};
  output_check check{3};
  feed(check, begin_line(10, 1));
  for (unsigned i = 1; i <= 3; ++i)
    feed(check, numbered_line_text(plan, i, 10 + i));
  feed(check, end_line(20));
  EXPECT_EQ(check.lost(), 0u);
  EXPECT_EQ(check.doubled(), 0u);
  EXPECT_EQ(check.disordered(), 0u);
  EXPECT_EQ(check.begins(), 1u);
  EXPECT_EQ(check.ended_at(), 20);
}

TEST(OutputCheck, CountsWhatIsMissing) {
  output_check check{3};
  EXPECT_EQ(check.lost(), 5u);
  feed(check, "load begin 1 1");
  feed(check, "load 2 1 ");
  EXPECT_EQ(check.lost(), 3u);
}

TEST(OutputCheck, CountsWhatCameTwiceOrFromNowhere) {
  output_check check{2};
  feed(check, "load begin 1 1");
  feed(check, "load 1 1 ");
  feed(check, "load 1 1 ");
  feed(check, "load 3 1 ");
  feed(check, "load begin 1 2");
  feed(check, "load end 1");
  feed(check, "load end 1");
  EXPECT_EQ(check.doubled(), 4u);
  EXPECT_EQ(check.begins(), 2u);
  EXPECT_EQ(check.lost(), 1u);
}

TEST(OutputCheck, CountsWhatCameOutOfOrder) {
  output_check check{3};
  feed(check, "load begin 1 1");
  feed(check, "load 2 1 ");
  feed(check, "load 1 1 ");
  feed(check, "load end 5");
  feed(check, "load 3 1 ");
  EXPECT_EQ(check.disordered(), 2u);
  EXPECT_EQ(check.lost(), 0u);
}

TEST(OutputCheck, PassesOverLinesOfOthers) {
  for (auto* text :
       {"", "load", "load ", "load x", "load 1", "load 1 ", "load begin",
        "load end x", "load -1 5", "Load 1 5", "Kubernetes Script Pod started"})
    EXPECT_FALSE(read_load_line(text)) << text;
  auto line = read_load_line("load 7 123 xx");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->number, 7u);
  EXPECT_EQ(line->printed, 123);
}

} // namespace

} // namespace cuttle::load
