#include "infra/sim/rpc_retry.hpp"

#include <algorithm>

namespace cuttle::sim {

namespace {

// The k-th pause is k seconds long, up to this.
constexpr unsigned longest_pause_seconds = 10;

} // namespace

bool retryable(const failure& reason) {
  switch (reason.code) {
  case errc::deadline_exceeded:
  case errc::shutting_down:
  case errc::overloaded:
  case errc::unavailable:
  case errc::protocol_error:
  case errc::io_error:
    return true;
  default:
    return false;
  }
}

void rpc_retry::begin(clock::time_point now) {
  began_ = now;
  retries_ = 0;
  sleep_ = milliseconds{0};
  last_failure_ = {};
}

std::optional<rpc_retry::milliseconds>
rpc_retry::failed(const failure& reason) {
  last_failure_ = reason;
  if (!retryable(reason))
    return {};
  ++retries_;
  sleep_ = std::chrono::seconds{std::min(retries_, longest_pause_seconds)};
  return sleep_;
}

std::optional<rpc_retry::milliseconds>
rpc_retry::woke(clock::time_point now) const {
  // The real library subtracts the pause although it has passed already.
  auto remaining = std::chrono::duration_cast<milliseconds>(
    retry_duration_ - (now - began_) - sleep_);
  if (remaining <= least_remaining)
    return {};
  return std::chrono::floor<std::chrono::seconds>(remaining);
}

} // namespace cuttle::sim
