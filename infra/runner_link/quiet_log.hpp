#pragma once

// Internal: for the .cpp files of this folder.

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "infra/telemetry/log.hpp"

namespace cuttle::runner_link {

/// Warnings that strangers can cause: at most one in ten seconds, each with the
/// number of those left out before it. One thread at a time.
class quiet_log {
public:
  explicit quiet_log(std::string_view event) : event_(event) {}

  /// `reason` completes the sentence; `peer` is an address, or empty.
  void warn(std::string reason, std::string peer = {}) {
    auto now = std::chrono::steady_clock::now();
    if (said_ && now - last_ < pause) {
      ++left_out_;
      return;
    }
    said_ = true;
    last_ = now;
    telemetry::warn(event_, {{"reason", std::move(reason)},
                             {"peer", std::move(peer)},
                             {"left-out", left_out_}});
    left_out_ = 0;
  }

private:
  static constexpr std::chrono::seconds pause{10};

  std::string_view event_;
  std::chrono::steady_clock::time_point last_;
  bool said_ = false;
  std::uint64_t left_out_ = 0;
};

} // namespace cuttle::runner_link
