#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "infra/halibut/limits.hpp"
#include "infra/halibut/rpc.hpp"

namespace cuttle::halibut {

/// What a document says about a data stream that follows it (`halibut` 11.3).
struct stream_placeholder {
  guid id{};
  std::int64_t length = 0;

  friend bool operator==(const stream_placeholder&, const stream_placeholder&)
    = default;
};

/// Bytes before and after the content of a stream.
inline constexpr std::size_t stream_header_bytes = 24;
inline constexpr std::size_t stream_trailer_bytes = 8;

/// Id and length, before the content.
std::array<std::uint8_t, stream_header_bytes>
format_stream_header(const stream_placeholder& x);

/// The length again, after the content.
std::array<std::uint8_t, stream_trailer_bytes>
format_stream_trailer(std::int64_t length);

/// Checks received streams against the placeholders of their document, in any
/// order (`halibut` 12).
class stream_ledger {
public:
  stream_ledger(std::vector<stream_placeholder> expected,
                const halibut::limits& limits)
    : open_(std::move(expected)), limit_(limits.stream_bytes) {}

  /// Streams still to come.
  std::size_t left() const {
    return open_.size();
  }

  /// Checks a header and ticks its placeholder off.
  outcome<stream_placeholder>
  open(std::span<const std::uint8_t, stream_header_bytes> header);

  /// Checks the trailer of a stream.
  static outcome<void>
  close(const stream_placeholder& stream,
        std::span<const std::uint8_t, stream_trailer_bytes> trailer);

private:
  std::vector<stream_placeholder> open_;
  std::int64_t limit_;
};

} // namespace cuttle::halibut
