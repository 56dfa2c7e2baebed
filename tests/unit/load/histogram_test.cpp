#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <random>

#include "infra/load/histogram.hpp"

namespace cuttle::load {

namespace {

using std::chrono::microseconds;

TEST(Histogram, IsExactForSmallValues) {
  latency_histogram h;
  for (int i = 1; i <= 100; ++i)
    h.add(microseconds{i});
  EXPECT_EQ(h.count(), 100u);
  EXPECT_EQ(h.percentile(0.5), microseconds{50});
  EXPECT_EQ(h.percentile(0.9), microseconds{90});
  EXPECT_EQ(h.percentile(0.99), microseconds{99});
  EXPECT_EQ(h.percentile(1), microseconds{100});
  EXPECT_EQ(h.max(), microseconds{100});
  EXPECT_EQ(h.mean(), microseconds{50});
}

TEST(Histogram, IsAtMostOnePartIn128AboveTheExactPercentile) {
  std::mt19937_64 random{7};
  std::lognormal_distribution<double> values{9, 3};
  latency_histogram h;
  std::vector<std::int64_t> all;
  for (int i = 0; i < 20'000; ++i) {
    auto value = static_cast<std::int64_t>(values(random));
    all.push_back(value);
    h.add(microseconds{value});
  }
  std::sort(all.begin(), all.end());
  for (auto share : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    auto rank = static_cast<std::size_t>(
      std::ceil(share * static_cast<double>(all.size())));
    auto exact = all[rank - 1];
    auto found = h.percentile(share).count();
    EXPECT_GE(found, exact) << share;
    EXPECT_LE(found, exact + exact / 128 + 1) << share;
  }
}

TEST(Histogram, ClampsWhatIsOutOfRange) {
  latency_histogram h;
  h.add(microseconds{-5});
  EXPECT_EQ(h.max(), microseconds{0});
  h.add(microseconds::max());
  EXPECT_EQ(h.count(), 2u);
  EXPECT_EQ(h.max(), microseconds{(std::int64_t{1} << 40) - 1});
  EXPECT_EQ(h.percentile(1), h.max());
}

TEST(Histogram, SaysZeroOfNothing) {
  latency_histogram h;
  EXPECT_EQ(h.percentile(0.5), microseconds{0});
  EXPECT_EQ(h.mean(), microseconds{0});
  EXPECT_TRUE(h.curve().empty());
}

TEST(Histogram, MergesAsIfAllHadBeenAddedToOne) {
  latency_histogram a, b, both;
  for (int i = 0; i < 1'000; ++i) {
    (i % 3 == 0 ? a : b).add(microseconds{i * i});
    both.add(microseconds{i * i});
  }
  a.merge(b);
  EXPECT_EQ(a.count(), both.count());
  EXPECT_EQ(a.curve(), both.curve());
  EXPECT_EQ(a.mean(), both.mean());
}

TEST(Histogram, HasACurveThatRisesToOne) {
  latency_histogram h;
  for (int i = 0; i < 5'000; ++i)
    h.add(microseconds{i * 37});
  auto curve = h.curve();
  ASSERT_FALSE(curve.empty());
  for (std::size_t i = 1; i < curve.size(); ++i) {
    EXPECT_LT(curve[i - 1].first, curve[i].first);
    EXPECT_LT(curve[i - 1].second, curve[i].second);
  }
  EXPECT_EQ(curve.back().second, 1.0);
  EXPECT_EQ(curve.back().first, h.max());
}

} // namespace

} // namespace cuttle::load
