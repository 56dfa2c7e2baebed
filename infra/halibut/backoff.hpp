#pragma once

#include <chrono>
#include <optional>

namespace cuttle::halibut {

/// When a link tries again after a failure (`halibut` section 15): the time
/// since the first failure, times a factor that each link chooses once, within
/// bounds. Pure: the caller brings the clock.
class backoff {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// `factor` is 1 to 2.
  backoff(double factor, std::chrono::milliseconds min,
          std::chrono::milliseconds max)
    : factor_(factor), min_(min), max_(max) {}

  /// An attempt begins.
  void attempt(time_point now) {
    if (!since_)
      since_ = now;
  }

  /// The peer identified itself.
  void success() {
    since_ = std::nullopt;
  }

  /// The pause after an attempt that ended at `now`.
  std::chrono::milliseconds pause(time_point now) const;

private:
  double factor_;
  std::chrono::milliseconds min_;
  std::chrono::milliseconds max_;
  std::optional<time_point> since_;
};

} // namespace cuttle::halibut
