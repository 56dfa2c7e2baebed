#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

namespace cuttle::load {

/// Counts durations in buckets that grow with the value: whatever comes, its
/// size stays the same (35 KB), and a percentile is at most 1/128 above the
/// value that it stands for. One thread at a time.
class latency_histogram {
public:
  using duration = std::chrono::microseconds;

  /// Counts a duration. A negative one counts as 0, one of more than 12 days as
  /// 12 days.
  void add(duration value);

  /// Adds all that the other one has counted.
  void merge(const latency_histogram& other);

  std::uint64_t count() const {
    return count_;
  }

  /// Exact; 0 while nothing was counted.
  duration max() const {
    return duration{max_};
  }

  /// Exact mean; 0 while nothing was counted.
  duration mean() const;

  /// The smallest bound that at least `share` (0 to 1) of the values do not
  /// exceed; never above `max()`; 0 while nothing was counted.
  duration percentile(double share) const;

  /// Points of the cumulative distribution for a plot: upper bound of each
  /// bucket that has something, and the share of the values up to it.
  std::vector<std::pair<duration, double>> curve() const;

private:
  // Buckets of a power of two.
  static constexpr unsigned sub_bits = 7;
  static constexpr unsigned sub_count = 1u << sub_bits;
  static constexpr unsigned value_bits = 40;
  static constexpr std::size_t buckets
    = (value_bits - sub_bits + 1) * std::size_t{sub_count};

  static std::size_t index_of(std::uint64_t value);
  static std::uint64_t upper_bound(std::size_t index);

  std::array<std::uint64_t, buckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::int64_t max_ = 0;
};

} // namespace cuttle::load
