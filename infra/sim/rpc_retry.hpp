#pragma once

#include <chrono>
#include <optional>

#include "messages/failure.hpp"

namespace cuttle::sim {

/// Whether the server's RPC layer tries again after this failure
/// (`halibut` 13.3): broken connections, late or unreadable answers, requests
/// that nobody collected, and errors that the peer calls transient.
bool retryable(const failure& reason);

/// The retries of one RPC (`tentacle-services` 14): pauses of 1, 2, 3 … 10 s,
/// for `retry_duration` in all. A pure state machine: the caller gives the
/// time.
class rpc_retry {
public:
  using clock = std::chrono::steady_clock;
  using milliseconds = std::chrono::milliseconds;

  /// No retry is begun with less than this left.
  static constexpr milliseconds least_remaining{1'000};

  explicit rpc_retry(milliseconds retry_duration)
    : retry_duration_(retry_duration) {}

  /// The first attempt starts now. It has no time limit of its own.
  void begin(clock::time_point now);

  /// An attempt failed: how long to sleep, or nothing if that is final.
  std::optional<milliseconds> failed(const failure& reason);

  /// The sleep is over: the time limit of the next attempt in whole seconds, or
  /// nothing if the retries end here with `last_failure`.
  std::optional<milliseconds> woke(clock::time_point now) const;

  /// Why the last attempt failed that was not cut short by its time limit.
  const failure& last_failure() const {
    return last_failure_;
  }

private:
  milliseconds retry_duration_;
  clock::time_point began_;
  unsigned retries_ = 0;
  milliseconds sleep_{0};
  failure last_failure_;
};

} // namespace cuttle::sim
