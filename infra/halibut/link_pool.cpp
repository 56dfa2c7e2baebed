#include "infra/halibut/link_pool.hpp"

#include <algorithm>

namespace cuttle::halibut {

link_bounds sane(link_bounds x) {
  constexpr unsigned most = 512;
  x.min = std::clamp(x.min, 1u, most);
  x.max = std::clamp(x.max, x.min, most);
  return x;
}

link_pool::link_pool(link_bounds bounds)
  : bounds_(sane(bounds)),
    needed_(std::size_t{bounds_.max} + 1, time_point::min()) {}

void link_pool::busy(unsigned requests, time_point now) {
  requests = std::min(requests, bounds_.max);
  // What ends now was needed up to now.
  for (auto i = std::min(busy_, requests) + 1; i <= std::max(busy_, requests);
       ++i)
    needed_[i] = now;
  busy_ = requests;
}

bool link_pool::grow(const link_counts& x, time_point now) const {
  return x.open < bounds_.max && x.busy >= x.open && now >= no_growth_before_;
}

bool link_pool::shrink(const link_counts& x, time_point now) const {
  // Those that are lost at the moment do not count: the others must do.
  if (x.identified <= bounds_.min || x.open > bounds_.max || busy_ >= x.open)
    return false;
  auto needed = needed_[x.open];
  return needed == time_point::min() || now - needed >= bounds_.idle;
}

void link_pool::grew(unsigned open, time_point now) {
  if (open <= bounds_.max)
    needed_[open] = now;
}

bool link_pool::renew(const link_counts& x) const {
  return x.open <= bounds_.min;
}

void link_pool::failed_to_grow(time_point now,
                               std::chrono::milliseconds pause) {
  no_growth_before_ = now + pause;
}

} // namespace cuttle::halibut
