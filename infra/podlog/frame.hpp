#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "infra/crypto/cipher.hpp"
#include "messages/podlog.hpp"

namespace cuttle::podlog {

/// Text that begins the runner's end marker; the exit code follows `<<>>`.
inline constexpr std::string_view end_marker_id
  = "EOS-075CD4F0-8C76-491D-BA76-0879D35E9CFE";

/// Longest text of one frame in bytes; what the stock runner could pass at most
/// [BR-10].
inline constexpr std::size_t max_frame_text = 10u * 1024 * 1024 - 1;

/// Makes frames with one key. One thread at a time.
class frame_sealer {
public:
  /// Accepts keys of 16, 24 or 32 bytes [BR-03]; throws
  /// `std::invalid_argument` for others.
  explicit frame_sealer(std::span<const std::uint8_t> key);
  ~frame_sealer();
  frame_sealer(frame_sealer&&) noexcept;
  frame_sealer& operator=(frame_sealer&&) noexcept;

  /// Appends `|e|<n>|<source>|<hex>` and a newline to `out`, with a fresh
  /// random nonce [BR-04], [BR-05].
  void append(std::string& out, std::int64_t number, output_source source,
              std::string_view text);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Appends one frame; `frame_sealer` is the way for many.
void append_frame(std::string& out, const crypto::log_key& key,
                  std::int64_t number, output_source source,
                  std::string_view text);

/// The runner's end marker for an exit code [BR-07].
std::string end_marker_text(std::int32_t exit_code);

/// A good line of a pod's log.
struct parsed_line {
  numbered_line line;
  /// Set when the line is the end marker.
  std::optional<std::int32_t> exit_code;
};

/// A line that is none; `message` is the text of [LOG-06].
struct damaged_line {
  std::string message;
  /// Number of the line when its head could be read, else 0.
  std::int64_t number = 0;
  /// The time stamp when the line has one.
  std::optional<timestamp> occurred;
};

/// Parses the lines of one pod's log. One thread at a time.
class line_parser {
public:
  explicit line_parser(const crypto::log_key& key);
  ~line_parser();
  line_parser(line_parser&&) noexcept;
  line_parser& operator=(line_parser&&) noexcept;

  /// Parses `<time> |e|<n>|<source>|<hex>` or the legacy plain form
  /// `<time> |<n>|<source>|<text>` [LOG-05 … LOG-10], without line terminator.
  /// Time stamps at the part boundaries of a long frame are dropped [LOG-09].
  /// A source of `debug` is needed for an end marker to count, so a script that
  /// prints the marker's text does not end itself. Never throws for content.
  std::variant<parsed_line, damaged_line> parse(std::string_view line);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Parses one line; `line_parser` is the way for many.
std::variant<parsed_line, damaged_line> parse_line(std::string_view line,
                                                   const crypto::log_key& key);

/// Parses `2024-01-01T17:04:05.678901234Z` and forms with an offset. Nothing
/// for years outside 1678 to 2261, which nanoseconds can not hold.
std::optional<timestamp> parse_time(std::string_view text);

} // namespace cuttle::podlog
