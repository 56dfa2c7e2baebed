#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "messages/script.hpp"

namespace cuttle::sim {

/// Digits after the second in a time stamp.
enum class precision { seconds, micro, nano };

/// `2024-05-01T12:00:00Z`, with 0, 6 or 9 digits of a second.
std::string rfc3339(timestamp time, precision digits = precision::seconds);

/// Reads a time with optional fraction, in UTC or with an offset; nothing when
/// malformed.
std::optional<timestamp> parse_rfc3339(std::string_view text);

/// A random version 4 UUID.
std::string make_uid();

/// Text of `n` random hex digits.
std::string random_hex(std::size_t n);

/// Reads JSON from a client: nothing when malformed, or nested deeper than 64.
std::optional<nlohmann::json> parse_json(std::string_view text);

/// JSON as text; invalid UTF-8 becomes U+FFFD.
std::string to_text(const nlohmann::json& value);

/// The string at a JSON pointer such as `/metadata/name`; "" when there is
/// none.
std::string text_at(const nlohmann::json& value, const char* pointer);

/// The value at a JSON pointer; null when there is none.
const nlohmann::json& value_at(const nlohmann::json& value,
                               const char* pointer);

/// RFC 7386: `null` removes a member, objects merge, all else replaces.
void merge_patch(nlohmann::json& target, const nlohmann::json& patch);

/// Decodes `%xx` and `+`; nothing for a malformed escape.
std::optional<std::string> url_decode(std::string_view text);

} // namespace cuttle::sim
