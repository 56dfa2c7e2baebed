// The memory of all operations' output together.

#include <deque>

#include "link_fixture.hpp"

namespace cuttle::test {

namespace {

constexpr std::size_t kib = 1024;

TEST(LogBudget, LetsEachFillItsWindowWhileHalfOfTheTotalIsFree) {
  auto budget = std::make_shared<log_budget>();
  log_budget::share one{budget, 100 * kib, 1'000 * kib};
  EXPECT_TRUE(one.room());
  one.hold(99 * kib);
  EXPECT_TRUE(one.room());
  one.hold(kib);
  EXPECT_FALSE(one.room());
  one.release(kib);
  EXPECT_TRUE(one.room());
}

TEST(LogBudget, GivesEachItsEvenPartBeyondHalfOfTheTotal) {
  auto budget = std::make_shared<log_budget>();
  std::deque<log_budget::share> shares;
  for (int i = 0; i < 10; ++i)
    shares.emplace_back(budget, 1'000 * kib, 1'000 * kib);
  shares[0].hold(501 * kib);
  EXPECT_TRUE(shares[0].room()) << "nobody else wants any";
  for (std::size_t i = 1; i < 10; ++i)
    shares[i].hold(10 * kib);
  EXPECT_FALSE(shares[0].room()) << "it has far more than a tenth";
  EXPECT_TRUE(shares[1].room());
  shares[1].hold(90 * kib);
  EXPECT_FALSE(shares[1].room());
  EXPECT_TRUE(shares[2].room());
}

TEST(LogBudget, RefusesNobodyWhoHoldsNothing) {
  auto budget = std::make_shared<log_budget>();
  log_budget::share greedy{budget, 100'000 * kib, 100 * kib};
  greedy.hold(1'000 * kib);
  log_budget::share late{budget, 100 * kib, 100 * kib};
  EXPECT_TRUE(late.room());
  late.hold(1);
  EXPECT_FALSE(late.room()) << "once it holds a line, its server comes first";
  late.release(1);
  EXPECT_TRUE(late.room());
}

TEST(LogBudget, KnowsWhetherAnybodyWaitsForRoom) {
  auto budget = std::make_shared<log_budget>();
  EXPECT_FALSE(budget->anyone_waits());
  log_budget::share one{budget, 100 * kib, 1'000 * kib};
  {
    log_budget::share other{budget, 100 * kib, 1'000 * kib};
    for (auto* x : {&one, &other}) {
      x->hold(100 * kib);
      EXPECT_FALSE(x->room());
      EXPECT_FALSE(x->room());
    }
    one.release(kib);
    EXPECT_TRUE(budget->anyone_waits());
    EXPECT_TRUE(one.room());
    EXPECT_TRUE(budget->anyone_waits()) << "the other one";
  }
  EXPECT_FALSE(budget->anyone_waits()) << "it is gone";
}

TEST(LogBudget, CountsAnUnfinishedLineWithoutHoldingItsOperationBack) {
  auto budget = std::make_shared<log_budget>();
  log_budget::share x{budget, 100 * kib, 100 * kib};
  x.set_partial(5'000 * kib);
  EXPECT_EQ(budget->used(), 5'000 * kib);
  EXPECT_TRUE(x.room());
  x.set_partial(0);
  EXPECT_EQ(budget->used(), 0u);
}

TEST(LogBudget, GetsAllBackInTheEnd) {
  auto budget = std::make_shared<log_budget>();
  {
    log_budget::share x{budget, 100, 100};
    x.hold(70);
    x.set_partial(30);
    x.release(1'000);
    EXPECT_EQ(x.held(), 0u);
    x.hold(20);
  }
  EXPECT_EQ(budget->used(), 0u);
  log_budget::share y{budget, 100, 100};
  EXPECT_EQ(budget->flow_bytes(400), 100u) << "one share is left";
}

TEST(LogBudget, LetsLessBeOnItsWayTheMoreOperationsThereAre) {
  auto budget = std::make_shared<log_budget>();
  std::deque<log_budget::share> shares;
  shares.emplace_back(budget, kib, kib);
  EXPECT_EQ(budget->flow_bytes(16 * 1024 * kib), 256 * kib);
  for (int i = 1; i < 256; ++i)
    shares.emplace_back(budget, kib, kib);
  EXPECT_EQ(budget->flow_bytes(16 * 1024 * kib), 16 * kib);
  EXPECT_EQ(budget->flow_bytes(0), 1u) << "one piece at a time";
}

class LogBudgetTest : public link_fixture {
protected:
  static constexpr int scripts = 8;
  static constexpr std::int64_t lines_each = 400;

  void SetUp() override {
    link_fixture::SetUp();
    settings->log_buffer_bytes = 64 * kib;
    settings->log_total_bytes = 64 * kib;
  }

  static script_ticket nth(int n) {
    return {"Script-" + std::to_string(n)};
  }

  static std::string text(std::int64_t number) {
    return std::string(100, 'x') + std::to_string(number);
  }

  // The server takes what there is of the n-th script, and confirms it with its
  // next question.
  void poll(int n) {
    auto x = status(nth(n), cursors[n]);
    for (auto& line : texts(x, output_source::out))
      EXPECT_EQ(line, text(++seen[n]));
    EXPECT_TRUE(texts(x, output_source::err).empty());
    cursors[n] = x.next_sequence;
    highest = std::max(highest, context->log_memory->used());
  }

  // The runners send, each as much as the worker takes of it.
  void send_all() {
    for (auto busy = true; busy;) {
      busy = false;
      for (int n = 0; n < scripts; ++n) {
        auto session = links.session(nth(n));
        auto paused = links.room.contains(session) && !links.room[session];
        if (session == 0 || paused || sent[n] == lines_each)
          continue;
        busy = true;
        links.send(nth(n), frame(sent[n] + 1, text(sent[n] + 1)));
        ++sent[n];
        settle();
        highest = std::max(highest, context->log_memory->used());
      }
    }
  }

  std::map<int, std::int64_t> cursors;
  std::map<int, std::int64_t> seen;
  std::map<int, std::int64_t> sent;
  std::size_t highest = 0;
};

TEST_F(LogBudgetTest, HoldsForAllLinksTogetherAndEachGoesOn_LOG21) {
  load();
  for (int n = 0; n < scripts; ++n) {
    started(nth(n));
    links.dial(nth(n));
    settle();
  }
  for (auto rounds = 0; rounds < 200; ++rounds) {
    send_all();
    for (int n = 0; n < scripts; ++n)
      poll(n);
  }
  for (int n = 0; n < scripts; ++n)
    EXPECT_EQ(seen[n], lines_each) << n;
  // (one piece that was under way beyond it, of each)
  EXPECT_LT(highest, 64 * kib + scripts * kib);
  EXPECT_GT(highest, 32 * kib) << "it is made use of";
}

TEST_F(LogBudgetTest, IsSharedEvenly_LOG21) {
  load();
  for (int n = 0; n < scripts; ++n) {
    started(nth(n));
    links.dial(nth(n));
    settle();
  }
  send_all();
  for (auto rounds = 0; rounds < 3; ++rounds) {
    for (int n = 0; n < scripts; ++n)
      poll(n);
    send_all();
  }
  auto [least, most]
    = std::minmax_element(seen.begin(), seen.end(),
                          [](auto& x, auto& y) { return x.second < y.second; });
  EXPECT_GT(least->second, 0);
  EXPECT_LE(most->second, 3 * least->second);
}

TEST_F(LogBudgetTest, LeavesOneAliveWhileTheServersOfTheOthersAreSilent_LOG21) {
  load();
  for (int n = 0; n < scripts; ++n) {
    started(nth(n));
    links.dial(nth(n));
    settle();
  }
  for (auto rounds = 0; rounds < 500 && seen[5] < lines_each; ++rounds) {
    send_all();
    poll(5);
  }
  EXPECT_EQ(seen[5], lines_each);
  EXPECT_LT(highest, 64 * kib + scripts * kib);
}

TEST_F(LogBudgetTest, HoldsForFollowStreamsAndEachGoesOn_LOG21) {
  made->links = nullptr;
  cluster.pieces = 1;
  load();
  for (int n = 0; n < scripts; ++n) {
    started(nth(n));
    cluster.run(nth(n));
    serve();
    status(nth(n));
    for (std::int64_t i = 1; i <= lines_each; ++i)
      cluster.write(nth(n), text(i));
    cluster.write_end(nth(n), 0);
    cluster.finish(nth(n), 0);
  }
  for (auto rounds = 0; rounds < 300; ++rounds) {
    serve();
    for (int n = 0; n < scripts; ++n)
      poll(n);
  }
  for (int n = 0; n < scripts; ++n) {
    EXPECT_EQ(seen[n], lines_each) << n;
    EXPECT_EQ(status(nth(n), cursors[n]).state, process_state::complete);
  }
  EXPECT_LT(highest, 64 * kib + scripts * 2 * kib);
}

TEST_F(LogBudgetTest, GivesTheRoomOfOneThatIsOverToTheOthers_LOG21) {
  made->links = nullptr;
  cluster.pieces = 1;
  load();
  for (int n : {1, 0}) {
    started(nth(n));
    cluster.run(nth(n));
    for (std::int64_t i = 1; i <= lines_each; ++i)
      cluster.write(nth(n), text(i));
    serve();
    status(nth(n));
    serve();
  }
  EXPECT_GE(context->log_memory->used(), 64 * kib) << "the first has it all";
  complete(nth(1));
  EXPECT_LT(context->log_memory->used(), 8 * kib);
  // Its script ends, and its server is silent for long: nothing is given up.
  cluster.write_end(nth(0), 0);
  cluster.finish(nth(0), 0);
  for (int i = 0; i < 5; ++i) {
    serve();
    advance(patience->log_end);
  }
  for (auto rounds = 0; rounds < 300 && seen[0] < lines_each; ++rounds) {
    poll(0);
    serve();
  }
  EXPECT_EQ(seen[0], lines_each);
  auto x = status(nth(0), cursors[0]);
  EXPECT_EQ(x.state, process_state::complete);
  EXPECT_TRUE(texts(x, output_source::err).empty());
}

TEST_F(LogBudgetTest, CountsEmptyLinesToo) {
  link();
  std::int64_t count = 0;
  while (links.room[session] && count < 10'000) {
    ++count;
    send(frame(count, ""));
  }
  EXPECT_LT(count, 2'000) << "a line without text takes memory as well";
  EXPECT_LT(context->log_memory->used(), 70 * kib);
}

} // namespace

} // namespace cuttle::test
