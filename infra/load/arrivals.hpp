#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string_view>

namespace cuttle::load {

/// How operations come.
enum class arrival_kind : std::uint8_t {
  /// One each 1/rate seconds.
  constant,
  /// Independent of each other, `rate` a second on average.
  poisson,
  /// `burst` at once, so that it is `rate` a second on average.
  burst,
};

std::optional<arrival_kind> arrival_kind_of(std::string_view name);
std::string_view name_of(arrival_kind kind);

/// When operations are meant to start, counted from the start of the load. The
/// times do not depend on how the worker does: that is what makes a load open.
/// The same seed gives the same times. One thread at a time.
class arrival_times {
public:
  /// `rate` operations a second; 0: all at once. `burst` is at least 1.
  arrival_times(arrival_kind kind, double rate, unsigned burst,
                std::uint64_t seed);

  /// Of the next operation; never before the one before it.
  std::chrono::nanoseconds next();

private:
  const arrival_kind kind_;
  const double rate_;
  const unsigned burst_;
  std::mt19937_64 random_;
  std::uint64_t count_ = 0;
  // Seconds, of the last Poisson arrival.
  double last_ = 0;
};

} // namespace cuttle::load
