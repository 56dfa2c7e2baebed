#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "messages/script.hpp"

namespace cuttle::tentacle {

/// .NET's unit of time: 100 ns.
using ticks = std::chrono::duration<std::int64_t, std::ratio<1, 10'000'000>>;

/// Reads a TimeSpan `[-][d.]hh:mm:ss[.fffffff]`; nothing for other text and
/// for what does not fit 64 bits of ticks (`halibut` 10.3).
std::optional<ticks> parse_time_span(std::string_view text);

/// The inverse, as .NET's constant format: days and fraction only if not zero,
/// the fraction with seven digits.
std::string to_time_span(ticks value);

/// Reads `yyyy-MM-ddTHH:mm:ss[.f…][Z|±hh:mm]`; without offset it is UTC.
std::optional<timestamp> parse_iso_time(std::string_view text);

/// Milliseconds since 1970, rounded down, as BSON stores a date.
std::int64_t to_bson_date(timestamp time);

/// The inverse; clamps what the clock's type can not hold.
timestamp from_bson_date(std::int64_t milliseconds);

} // namespace cuttle::tentacle
