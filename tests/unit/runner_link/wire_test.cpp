#include <gtest/gtest.h>

#include "infra/runner_link/wire.hpp"

using namespace cuttle;
using namespace cuttle::runner_link;

namespace {

using orders = std::vector<order>;

outcome<orders> read_orders(std::string_view text, std::size_t step) {
  order_reader uut;
  orders result;
  while (!text.empty()) {
    auto fed = uut.feed(text.substr(0, step),
                        [&](const order& x) { result.push_back(x); });
    if (!fed)
      return tl::unexpected(fed.error());
    text.remove_prefix(std::min(step, text.size()));
  }
  return result;
}

} // namespace

TEST(RunnerWire, WritesAndReadsTheAddress) {
  for (const auto& x :
       {address{"10.96.0.17", 10934}, address{"fd00::17", 65535}}) {
    EXPECT_EQ(parse_address(format_address(x)), x);
  }
  EXPECT_EQ(format_address({"10.96.0.17", 10934}), "1 10.96.0.17:10934\n");
  EXPECT_EQ(format_address({"fd00::17", 1}), "1 [fd00::17]:1\n");
  EXPECT_EQ(parse_address("1 10.0.0.1:7 more\nand more"),
            (address{"10.0.0.1", 7}));
}

TEST(RunnerWire, HasNoUseForAnAddressThatIsNone) {
  for (const auto* text :
       {"", "\n", "1 10.0.0.1:7", "2 10.0.0.1:7\n", "1 worker:7\n",
        "1 10.0.0.1:0\n", "1 10.0.0.1:65536\n", "1 10.0.0.1\n",
        "1 [10.0.0.1]:7\n", "1 fd00::17:7\n", "1 []:7\n", "1 :7\n",
        "1 10.0.0.1:+7\n"})
    EXPECT_FALSE(parse_address(text)) << text;
}

TEST(RunnerWire, ReadsAHelloInAnyPieces) {
  for (std::size_t step = 1; step < 10; ++step) {
    hello_reader uut;
    auto rest = format_hello(421) + "no part of it";
    std::string_view text = rest;
    while (!uut.done()) {
      auto taken = uut.feed(text.substr(0, step));
      ASSERT_TRUE(taken);
      text.remove_prefix(*taken);
    }
    EXPECT_EQ(uut.first(), 421);
    EXPECT_EQ(text, "no part of it");
  }
  hello_reader later;
  ASSERT_TRUE(later.feed("hello 2 7 and more\n"));
  EXPECT_EQ(later.first(), 7);
}

TEST(RunnerWire, RefusesWhatIsNoHello) {
  for (const auto* text : {"\n", "hello\n", "hello 1\n", "hello 1 0\n",
                           "hello 1 -1\n", "hello x 1\n", "GET / HTTP/1.1\r\n",
                           "hello 1 9223372036854775808\n", "hello  1 1\n"}) {
    hello_reader uut;
    EXPECT_FALSE(uut.feed(text)) << text;
    EXPECT_FALSE(uut.done());
  }
  hello_reader uut;
  EXPECT_TRUE(uut.feed(std::string(longest_control, 'x')));
  EXPECT_FALSE(uut.feed("\n"));
}

TEST(RunnerWire, ReadsOrdersInAnyPieces) {
  std::string text;
  const orders all{
    {order::kind::from, 0}, {order::kind::got, 12}, {order::kind::ack, 9}};
  append_order(text, all[0]);
  text += "\nlater words\n\n";
  append_order(text, all[1]);
  append_order(text, all[2]);
  EXPECT_EQ(text, "from 0\n\nlater words\n\ngot 12\nack 9\n");
  for (std::size_t step = 1; step <= text.size(); ++step)
    EXPECT_EQ(read_orders(text, step), all);
}

TEST(RunnerWire, RefusesAnOrderWithoutItsNumber) {
  for (const auto* text :
       {"from\n", "got \n", "ack x\n", "ack -1\n", "ack 9223372036854775807\n"})
    EXPECT_FALSE(read_orders(text, 3)) << text;
}

TEST(RunnerWire, RefusesALineThatDoesNotEnd) {
  std::string longest(longest_control - 1, 'x');
  EXPECT_TRUE(read_orders(longest + "\n", 7));
  auto refused = read_orders(longest + "x", 7);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text,
            "the worker sent a line longer than 64 bytes");
}

TEST(RunnerWire, DropsSignsOfLifeFromTheBeginningOfARead) {
  life_filter uut;
  EXPECT_EQ(uut.pass("\n"), "");
  EXPECT_EQ(uut.pass("\n\na line\n"), "a line\n");
  EXPECT_EQ(uut.pass("\nhalf"), "half");
  EXPECT_EQ(uut.pass("\n"), "\n");
  EXPECT_EQ(uut.pass("\n"), "");
  EXPECT_EQ(uut.pass(""), "");
  EXPECT_EQ(uut.pass("\nx"), "x");
}
