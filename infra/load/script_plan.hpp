#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cuttle::load {

/// What one script of the load does: a line with its begin, `lines` numbered
/// lines with a pause after each, a sleep, a line with its end. Each line says
/// when it was printed.
struct script_plan {
  unsigned lines = 1;
  /// Padding of each numbered line, in bytes.
  unsigned bytes = 0;
  std::chrono::milliseconds every{0};
  std::chrono::milliseconds sleep{0};

  friend bool operator==(const script_plan&, const script_plan&) = default;
};

/// The script as text for bash. Its second line names the plan, so that a
/// played pod does the same without a process.
std::string script_text(const script_plan& plan);

/// The plan that a script's text names; nothing for another script.
std::optional<script_plan> plan_of(std::string_view script);

/// Microseconds since 1970, as the lines have them.
std::int64_t wall_micros();

/// The lines as the script prints them, without line terminator. `run` tells
/// two runs of one script apart.
std::string begin_line(std::int64_t micros, std::uint64_t run);
std::string numbered_line_text(const script_plan& plan, unsigned number,
                               std::int64_t micros);
std::string end_line(std::int64_t micros);

} // namespace cuttle::load
