#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "messages/failure.hpp"

namespace cuttle::halibut {

/// What an initiator sends first.
inline constexpr std::string_view preamble = "MX\r\n\r\n";

/// Reads what an initiator sends first, up to and including the first blank
/// line, with either kind of newline (`halibut` 7.1).
class preamble_reader {
public:
  /// A preamble of more than `limit` bytes is refused.
  explicit preamble_reader(std::size_t limit) : limit_(limit) {}

  /// Takes bytes up to the blank line's end and none beyond; returns how many.
  outcome<std::size_t> feed(std::span<const std::uint8_t> bytes);

  bool done() const {
    return done_;
  }

  /// Whether it was a Halibut peer; anything else is a browser or a probe.
  bool is_halibut() const {
    return characters_ >= 2 && first_ == 'M' && second_ == 'X';
  }

private:
  std::size_t limit_;
  std::size_t bytes_ = 0;
  std::size_t characters_ = 0;
  char first_ = 0;
  char second_ = 0;
  bool after_line_feed_ = false;
  bool done_ = false;
};

/// The answer to a browser or probe: HTTP/1.0 200 with a small page (7.4).
std::string_view probe_page();

} // namespace cuttle::halibut
