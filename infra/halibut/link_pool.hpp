#pragma once

#include <chrono>
#include <vector>

namespace cuttle::halibut {

/// How many connections a worker keeps to one server.
struct link_bounds {
  /// Kept at all times, 1 to 512 [RUN-04].
  unsigned min = 1;
  /// As many as `min`: no more are ever made.
  unsigned max = 1;
  /// A connection beyond `min` goes when there was no use for so many at once
  /// for that long.
  std::chrono::milliseconds idle{300'000};
};

/// The bounds cut to what is allowed: `1 <= min <= max <= 512`.
link_bounds sane(link_bounds x);

/// What the connections to one server are doing.
struct link_counts {
  /// All, those in the making and in a pause included.
  unsigned open = 0;
  /// Identified by the server.
  unsigned identified = 0;
  /// With a request that is not answered yet.
  unsigned busy = 0;
};

/// How many connections there should be: says when to make one more and when to
/// let one go. It decides only; who has the connections acts. Pure; not
/// thread-safe.
class link_pool {
public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit link_pool(link_bounds bounds);

  const link_bounds& bounds() const {
    return bounds_;
  }

  /// Tells that so many requests are open now.
  void busy(unsigned requests, time_point now);

  /// Whether to make one more connection: each there is has a request, and the
  /// last one that was made beyond `min` did not fail just now.
  bool grow(const link_counts& x, time_point now) const;

  /// Whether a connection without a request may go, at a moment when the server
  /// cannot have sent one.
  bool shrink(const link_counts& x, time_point now) const;

  /// Whether a connection that was lost is made again.
  bool renew(const link_counts& x) const;

  /// Tells that there are so many connections now, one more than before.
  void grew(unsigned open, time_point now);

  /// Tells that one more was tried in vain: none is before `pause` is over.
  void failed_to_grow(time_point now, std::chrono::milliseconds pause);

private:
  const link_bounds bounds_;
  unsigned busy_ = 0;
  time_point no_growth_before_ = time_point::min();
  /// When there were at least so many requests at once, by their number.
  std::vector<time_point> needed_;
};

} // namespace cuttle::halibut
