#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "messages/script.hpp"

namespace cuttle {

/// A line of the script's output with its number, counted from 1 over all
/// streams by the runner [BR-05].
struct numbered_line {
  std::int64_t number = 0;
  output_line line;
};

/// Memory that a line takes while it waits, in bytes: its text and what is
/// around it. So a million empty lines count as well.
inline std::size_t memory_of(const output_line& x) {
  // (what the allocator adds to the text)
  constexpr std::size_t around = sizeof(numbered_line) + 16;
  return around + x.text.size();
}

inline std::size_t memory_of(const numbered_line& x) {
  return memory_of(x.line);
}

/// A batch of lines from one operation's log, in order.
struct log_batch {
  std::vector<numbered_line> lines;
  /// Lines without number: damaged ones, and what was lost [LOG-08].
  std::vector<output_line> remarks;
  /// The exit code of the runner's end marker, once seen [LOG-07].
  std::optional<std::int32_t> end_marker;
  /// Memory of all of them together, in bytes.
  std::size_t bytes = 0;
};

/// How a log ended.
struct log_end {
  /// False if the rest of the log can not be had any more.
  bool whole = true;
  /// Why not, as a sentence for the task log.
  std::string text;
};

} // namespace cuttle
