#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "messages/script.hpp"

namespace cuttle::kubernetes {

/// A time of the API such as `2026-01-02T03:04:05Z`, with up to nine digits
/// after the second and any offset. Nothing for any other text and for years
/// outside of 1678 to 2261, which nanoseconds cannot count.
std::optional<timestamp> parse_time(std::string_view text);

/// The time in UTC, cut to whole seconds: `2026-01-02T03:04:05Z`.
std::string format_seconds(timestamp time);

/// The time in UTC in .NET's round-trip form, cut to 100 ns:
/// `2026-01-02T03:04:05.0000000+00:00`.
std::string format_round_trip(timestamp time);

} // namespace cuttle::kubernetes
