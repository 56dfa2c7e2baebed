#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "infra/crypto/cipher.hpp"

namespace cuttle::crypto {

/// Log keys of tickets, each derived once while it is among the newest `kept`:
/// a derivation takes half a millisecond of CPU, and an operation asks up to
/// three times within its first seconds. Thread-safe.
class log_keys {
public:
  explicit log_keys(byte_span machine_key, std::size_t kept = 512);

  /// See `derive_log_key`.
  log_key of(std::string_view ticket);

private:
  const secret_bytes machine_key_;
  const std::size_t kept_;
  std::mutex mutex_;
  std::unordered_map<std::string, log_key> known_;
  std::deque<std::string> order_;
};

} // namespace cuttle::crypto
