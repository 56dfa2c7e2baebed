#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "messages/failure.hpp"

namespace cuttle::runner_link {

/// The words of the runner's link (`docs/runner-link.md`): pure, and shared by
/// the worker and the in-pod runner.

/// File in the workspace with the worker's address, written by the worker and
/// read anew before each dial.
inline constexpr const char* address_file = "cuttle-link";

/// File in the workspace with the lines that a runner holds and memory does
/// not; after the runner's end exactly those that no worker acknowledged. Lines
/// as in the pod's log; one without a line feed at the end was cut off.
inline constexpr const char* lines_file = "cuttle-lines";

/// Longest line in bytes, with its line feed, that either side sends to control
/// the link.
inline constexpr std::size_t longest_control = 64;

/// Where a runner dials.
struct address {
  /// An IP address, without brackets.
  std::string ip;
  std::uint16_t port = 0;

  friend bool operator==(const address&, const address&) = default;
};

/// `1 <ip>:<port>` and a line feed, an IPv6 address in brackets.
std::string format_address(const address& x);

/// The inverse; further words and lines are ignored. Nothing for another
/// version, a name instead of an IP, or port 0.
std::optional<address> parse_address(std::string_view text);

/// `hello 1 <first>` and a line feed.
std::string format_hello(std::int64_t first);

/// Takes the first line that a runner sends.
class hello_reader {
public:
  /// Takes bytes up to the end of the line; returns how many. Fails for what is
  /// no hello or longer than `longest_control`.
  outcome<std::size_t> feed(std::string_view bytes);

  bool done() const {
    return done_;
  }

  /// Number of the first line that the runner holds, at least 1.
  std::int64_t first() const {
    return first_;
  }

private:
  std::string line_;
  std::int64_t first_ = 0;
  bool done_ = false;
};

/// What the worker says.
struct order {
  enum class kind : std::uint8_t { from, got, ack };

  kind what;
  std::int64_t number;

  friend bool operator==(const order&, const order&) = default;
};

/// Appends `from <number>`, `got <number>` or `ack <number>` and a line feed.
void append_order(std::string& out, const order& x);

/// Takes what a worker says. Empty lines and unknown words are passed over.
class order_reader {
public:
  /// Fails for a line longer than `longest_control` and for a known word
  /// without a number from 0 on; then the connection has to end.
  outcome<void> feed(std::string_view bytes,
                     const std::function<void(const order&)>& take);

private:
  std::string rest_;
};

/// Drops the signs of life from a stream of lines. A runner sends one (a line
/// feed) as a TLS record of its own, so it is enough to look at the beginning
/// of what one read returned: no search, whatever the size.
class life_filter {
public:
  /// What is left of the bytes of one read.
  std::string_view pass(std::string_view bytes) {
    while (at_start_ && !bytes.empty() && bytes.front() == '\n')
      bytes.remove_prefix(1);
    if (!bytes.empty())
      at_start_ = bytes.back() == '\n';
    return bytes;
  }

private:
  bool at_start_ = true;
};

} // namespace cuttle::runner_link
