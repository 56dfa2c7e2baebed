#include <gtest/gtest.h>

#include "actors/output_buffer.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;

const timestamp start{std::chrono::hours{24 * 365 * 56}};

numbered_line line(std::int64_t number, std::string text = "0123456789") {
  return {number, {output_source::out, start + number * 1s, std::move(text)}};
}

output_line remark_at(std::chrono::milliseconds after, std::string text) {
  return {output_source::debug, start + after, std::move(text)};
}

std::vector<numbered_line> lines(std::int64_t first, std::int64_t last) {
  std::vector<numbered_line> result;
  for (auto i = first; i <= last; ++i)
    result.push_back(line(i));
  return result;
}

// Memory of one of them.
const auto one = memory_of(line(1));

std::vector<std::string> texts(const output_buffer::page& x) {
  std::vector<std::string> result;
  for (auto& each : x.lines)
    result.push_back(each.text);
  return result;
}

TEST(OutputBuffer, GivesTheLinesAfterTheCursorAgainAndAgain) {
  output_buffer buffer;
  buffer.add(lines(1, 5));
  for (int i = 0; i < 2; ++i) {
    auto page = buffer.take(3, 1'000);
    EXPECT_EQ(page.lines.size(), 2u);
    EXPECT_EQ(page.next, 5);
    EXPECT_FALSE(page.more);
  }
}

TEST(OutputBuffer, IgnoresLinesThatAreHere) {
  output_buffer buffer;
  buffer.add(lines(1, 5));
  buffer.add(lines(2, 6));
  EXPECT_EQ(buffer.last(), 6);
  EXPECT_EQ(buffer.bytes(), 6 * one);
  EXPECT_EQ(buffer.take(0, 1'000).lines.size(), 6u);
}

TEST(OutputBuffer, GivesAPageOfSoManyBytesButOneLineAtLeast) {
  output_buffer buffer;
  buffer.add(lines(1, 5));
  auto page = buffer.take(0, 25);
  EXPECT_EQ(page.lines.size(), 2u);
  EXPECT_EQ(page.next, 2);
  EXPECT_TRUE(page.more);
  page = buffer.take(4, 1);
  EXPECT_EQ(page.lines.size(), 1u);
  EXPECT_EQ(page.next, 5);
  EXPECT_FALSE(page.more);
}

TEST(OutputBuffer, GivesItsOwnLinesOnceAndInTheOrderOfTime_LOG19) {
  output_buffer buffer;
  buffer.add(lines(1, 3));
  buffer.add(remark_at(2'500ms, "between"));
  buffer.add(remark_at(500ms, "before"));
  buffer.add(remark_at(9s, "after"));
  EXPECT_EQ(texts(buffer.take(0, 1'000)),
            (std::vector<std::string>{"before", "0123456789", "0123456789",
                                      "between", "0123456789", "after"}));
  EXPECT_EQ(buffer.take(0, 1'000).lines.size(), 3u);
}

TEST(OutputBuffer, ItsLaterLinesWaitForTheirPage_LOG20) {
  output_buffer buffer;
  buffer.add(lines(1, 4));
  buffer.add(remark_at(3'500ms, "late"));
  auto first = buffer.take(0, 20);
  EXPECT_EQ(first.lines.size(), 2u);
  auto second = buffer.take(first.next, 20);
  EXPECT_EQ(texts(second),
            (std::vector<std::string>{"0123456789", "late", "0123456789"}));
}

TEST(OutputBuffer, ForgetsOnlyWhatIsConfirmedAndTooMuch) {
  output_buffer buffer;
  buffer.add(lines(1, 10));
  EXPECT_EQ(buffer.forget(5, 10 * one), 0u);
  EXPECT_EQ(buffer.forget(5, 8 * one), 2 * one);
  EXPECT_EQ(buffer.base(), 2);
  EXPECT_EQ(buffer.forget(5, 0), 3 * one);
  EXPECT_EQ(buffer.base(), 5);
  EXPECT_EQ(buffer.bytes(), 5 * one);
  EXPECT_EQ(buffer.take(5, 1'000).lines.size(), 5u);
}

TEST(OutputBuffer, BeginsAnewAtACursor) {
  output_buffer buffer;
  buffer.add(lines(1, 10));
  EXPECT_EQ(buffer.restart(3), 10 * one);
  EXPECT_EQ(buffer.base(), 3);
  EXPECT_EQ(buffer.last(), 3);
  EXPECT_EQ(buffer.bytes(), 0u);
  buffer.add(lines(1, 5));
  EXPECT_EQ(buffer.take(3, 1'000).lines.size(), 2u);
}

TEST(OutputBuffer, ACursorBeyondTheEndComesBack) {
  output_buffer buffer;
  buffer.add(lines(1, 3));
  auto page = buffer.take(99, 1'000);
  EXPECT_TRUE(page.lines.empty());
  EXPECT_EQ(page.next, 99);
  EXPECT_FALSE(page.more);
}

TEST(OutputBuffer, CountsItsOwnLinesThatWereTooMany) {
  output_buffer buffer;
  for (std::size_t i = 0; i < output_buffer::most_remarks + 3; ++i)
    buffer.add(remark_at(0ms, "remark " + std::to_string(i)));
  auto page = buffer.take(0, 1'000);
  ASSERT_EQ(page.lines.size(), output_buffer::most_remarks + 1);
  EXPECT_TRUE(page.lines[0].text.starts_with("3 messages"));
  EXPECT_EQ(page.lines[1].text, "remark 3");
  EXPECT_TRUE(buffer.take(0, 1'000).lines.empty());
}

} // namespace

} // namespace cuttle::test
