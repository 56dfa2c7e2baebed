#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "infra/crypto/cipher.hpp"
#include "messages/podlog.hpp"

namespace cuttle::podlog {

/// Text that begins the runner's end marker; the exit code follows `<<>>`.
inline constexpr std::string_view end_marker_id
  = "EOS-075CD4F0-8C76-491D-BA76-0879D35E9CFE";

/// Appends `|e|<n>|<source>|<hex>` and a newline to `out` [BR-04], [BR-05].
void append_frame(std::string& out, const crypto::log_key& key,
                  std::int64_t number, output_source source,
                  std::string_view text);

/// A good line of a pod's log.
struct parsed_line {
  numbered_line line;
  /// Set when the line is the end marker.
  std::optional<std::int32_t> exit_code;
};

/// A line that is none; `message` is the text of [LOG-06].
struct damaged_line {
  std::string message;
};

/// Parses one line of a pod's log, `<time> |e|<n>|<source>|<hex>` or the legacy
/// plain form [LOG-05 … LOG-10]. Never throws.
std::variant<parsed_line, damaged_line> parse_line(std::string_view line,
                                                   const crypto::log_key& key);

/// Parses `2024-01-01T17:04:05.678901234Z` and forms with an offset.
std::optional<timestamp> parse_time(std::string_view text);

/// Makes valid UTF-8: each byte that fits nowhere becomes U+FFFD.
std::string sanitise_utf8(std::string_view bytes);

} // namespace cuttle::podlog
