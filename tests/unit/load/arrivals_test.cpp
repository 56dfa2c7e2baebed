#include <gtest/gtest.h>

#include "infra/load/arrivals.hpp"

namespace cuttle::load {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

TEST(Arrivals, ComeEvenlyWhenConstant) {
  arrival_times times{arrival_kind::constant, 50, 1, 1};
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(times.next(), milliseconds{20 * i});
}

TEST(Arrivals, ComeTogetherInABurst) {
  arrival_times times{arrival_kind::burst, 10, 5, 1};
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(times.next(), milliseconds{i / 5 * 500}) << i;
}

TEST(Arrivals, AreAllAtOnceWithoutARate) {
  for (auto kind :
       {arrival_kind::constant, arrival_kind::poisson, arrival_kind::burst}) {
    arrival_times times{kind, 0, 1, 1};
    times.next();
    EXPECT_EQ(times.next(), nanoseconds{0});
  }
}

TEST(Arrivals, KeepTheirRateAndSpreadWhenPoisson) {
  arrival_times times{arrival_kind::poisson, 100, 1, 42};
  nanoseconds last{0};
  double squares = 0;
  constexpr int count = 20'000;
  for (int i = 0; i < count; ++i) {
    auto next = times.next();
    ASSERT_GE(next, last);
    auto gap = std::chrono::duration<double>(next - last).count();
    squares += gap * gap;
    last = next;
  }
  auto mean = std::chrono::duration<double>(last).count() / count;
  EXPECT_NEAR(mean, 0.01, 0.0003);
  // The variance of exponential gaps is the square of their mean.
  EXPECT_NEAR(squares / count - mean * mean, mean * mean, 0.1 * mean * mean);
}

TEST(Arrivals, AreTheSameForTheSameSeed) {
  arrival_times a{arrival_kind::poisson, 5, 1, 3};
  arrival_times b{arrival_kind::poisson, 5, 1, 3};
  arrival_times c{arrival_kind::poisson, 5, 1, 4};
  auto first = a.next();
  EXPECT_EQ(first, b.next());
  EXPECT_NE(first, c.next());
}

TEST(Arrivals, AreNamed) {
  for (auto kind :
       {arrival_kind::constant, arrival_kind::poisson, arrival_kind::burst})
    EXPECT_EQ(arrival_kind_of(name_of(kind)), kind);
  EXPECT_FALSE(arrival_kind_of("uniform"));
}

} // namespace

} // namespace cuttle::load
