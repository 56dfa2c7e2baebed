#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace cuttle::runner {

/// The time before each line of the link, as the kubelet writes it into the
/// pod's log: `2024-01-01T17:04:05.678901234Z`.
class line_time {
public:
  /// The present time. The text is valid until the next call.
  std::string_view now();

  /// The text of `nanoseconds` since 1970.
  std::string_view format(std::int64_t nanoseconds);

private:
  std::array<char, 32> text_{};
  std::int64_t second_ = -1;
};

} // namespace cuttle::runner
