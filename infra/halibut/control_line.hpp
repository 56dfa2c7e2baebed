#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "messages/failure.hpp"

namespace cuttle::halibut {

/// Collects one control line from pieces of any size (`halibut` 7.2): bytes up
/// to CR, which LF must follow. A lone LF is ordinary data.
class line_reader {
public:
  /// A line of more than `limit` bytes is refused.
  explicit line_reader(std::size_t limit) : limit_(limit) {}

  /// Takes bytes up to the end of the line; returns how many it took. Fails
  /// with `protocol_error`; the position in the byte stream is lost then.
  outcome<std::size_t> feed(std::span<const std::uint8_t> bytes);

  /// Whether the line is complete.
  bool done() const {
    return done_;
  }

  /// The line without CR LF.
  const std::string& line() const {
    return line_;
  }

  /// Starts with the next line.
  void reset();

private:
  std::size_t limit_;
  std::string line_;
  bool carriage_return_ = false;
  bool done_ = false;
};

/// Who speaks at the other end, by its own words.
enum class peer_role : std::uint8_t { client, server, subscriber };

/// The id-line of a peer, without its version, which nobody checks.
struct peer_identity {
  peer_role role = peer_role::client;
  /// Only for a subscriber, as sent.
  std::string subscription;
};

/// Parses an id-line; any version token and extra tokens are accepted.
outcome<peer_identity> parse_identity(std::string_view line);

/// The id-line and the empty line after it, to be written at once.
std::string format_identity(const peer_identity& x);

/// At most 60 characters of what a peer sent, with anything unprintable as `?`,
/// for the sentence of a failure.
std::string printable(std::string_view bytes);

} // namespace cuttle::halibut
