#include <gtest/gtest.h>

#include "infra/halibut/link_pool.hpp"

using namespace cuttle::halibut;
using namespace std::chrono_literals;

namespace {

const link_pool::time_point start{1h};

} // namespace

TEST(LinkBounds, AreCutToWhatIsAllowed_RUN04) {
  struct row {
    unsigned min, max, sane_min, sane_max;
  };
  for (auto& x :
       {row{0, 0, 1, 1}, row{5, 0, 5, 5}, row{5, 5, 5, 5}, row{2, 9, 2, 9},
        row{9, 2, 9, 9}, row{600, 700, 512, 512}, row{1, 100'000, 1, 512}}) {
    auto cut = sane({x.min, x.max, 1s});
    EXPECT_EQ(cut.min, x.sane_min) << x.min << ' ' << x.max;
    EXPECT_EQ(cut.max, x.sane_max) << x.min << ' ' << x.max;
  }
}

TEST(LinkPool, GrowsWhenEachConnectionHasARequest) {
  struct row {
    link_counts now;
    bool grows;
    const char* why;
  };
  link_pool pool{{2, 4, 1min}};
  for (auto& x : {row{{2, 2, 1}, false, "one is free"},
                  row{{2, 2, 2}, true, "none is free"},
                  row{{3, 2, 2}, false, "one is in the making"},
                  row{{3, 3, 3}, true, "none of three is free"},
                  row{{4, 4, 4}, false, "there are as many as may be"},
                  row{{2, 0, 0}, false, "there is no request"}})
    EXPECT_EQ(pool.grow(x.now, start), x.grows) << x.why;
}

TEST(LinkPool, NeverGrowsWithoutRoomBetweenItsBounds) {
  link_pool pool{{5, 5, 1min}};
  EXPECT_FALSE(pool.grow({5, 5, 5}, start));
  EXPECT_FALSE(pool.shrink({5, 5, 0}, start));
  EXPECT_TRUE(pool.renew({5, 0, 0}));
}

TEST(LinkPool, WaitsAfterItTriedInVain) {
  link_pool pool{{1, 3, 1min}};
  EXPECT_TRUE(pool.grow({1, 1, 1}, start));
  pool.failed_to_grow(start, 5s);
  EXPECT_FALSE(pool.grow({1, 1, 1}, start + 4999ms));
  EXPECT_TRUE(pool.grow({1, 1, 1}, start + 5s));
}

TEST(LinkPool, ShrinksWhenSoManyWereNotNeededForItsTime) {
  link_pool pool{{1, 4, 1min}};
  pool.busy(1, start);
  pool.grew(2, start);
  pool.busy(2, start + 1s);
  pool.grew(3, start + 1s);
  EXPECT_FALSE(pool.shrink({3, 3, 2}, start + 2s)) << "the third is new";
  // The third is never used, the second until 30 s.
  pool.busy(1, start + 30s);
  EXPECT_FALSE(pool.shrink({3, 3, 1}, start + 60s));
  EXPECT_TRUE(pool.shrink({3, 3, 1}, start + 61s));
  EXPECT_FALSE(pool.shrink({2, 2, 1}, start + 89s)) << "two were needed";
  EXPECT_TRUE(pool.shrink({2, 2, 1}, start + 90s));
  pool.busy(0, start + 91s);
  EXPECT_FALSE(pool.shrink({1, 1, 0}, start + 24h)) << "the last one stays";
}

TEST(LinkPool, DoesNotShrinkWhileOthersAreLost) {
  link_pool pool{{2, 4, 1min}};
  EXPECT_FALSE(pool.shrink({4, 2, 0}, start));
  EXPECT_TRUE(pool.shrink({4, 3, 0}, start));
}

TEST(LinkPool, LetsGoWhatIsLostBeyondItsMinimum) {
  link_pool pool{{2, 4, 1min}};
  EXPECT_FALSE(pool.renew({4, 1, 1}));
  EXPECT_FALSE(pool.renew({3, 1, 1}));
  EXPECT_TRUE(pool.renew({2, 1, 1}));
}
