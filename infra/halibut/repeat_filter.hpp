#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace cuttle::halibut {

/// Decides which of many lines about trouble a person has to read: each text
/// once in a quiet time, and no more than a few texts in one. So peers that
/// knock again and again, each time in another way, cannot fill a log. Pure;
/// not thread-safe.
class repeat_filter {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// The quiet time.
  static constexpr std::chrono::minutes period{5};
  /// Texts that are told in one such time.
  static constexpr std::size_t budget = 20;

  /// Whether to tell `text` now. The number is that of the lines that were kept
  /// back since the last one that was told.
  std::optional<std::uint64_t> admit(const std::string& text, time_point now);

private:
  /// When each text was told; at most `budget` of them.
  std::map<std::string, time_point> told_;
  std::uint64_t kept_back_ = 0;
};

} // namespace cuttle::halibut
