#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "infra/podlog/frame.hpp"

namespace cuttle::podlog::test {

/// The key of the vectors in [GCM-01].
inline crypto::log_key vector_key() {
  crypto::log_key result;
  constexpr std::string_view text = "qwertyuioplkjhgfdsazxcvbnmqwertd";
  std::copy(text.begin(), text.end(), result.value.begin());
  return result;
}

inline constexpr std::string_view stamp = "2024-01-01T17:04:05.678901234Z";

/// A line of a pod's log with its newline.
inline std::string log_line(std::int64_t number, std::string_view text,
                            output_source source = output_source::out,
                            std::string_view time = stamp) {
  auto result = std::string{time} + " ";
  append_frame(result, vector_key(), number, source, text);
  return result;
}

inline std::string numbered_text(std::int64_t number) {
  return "line " + std::to_string(number);
}

/// Lines `first` to `last`, each saying its number.
inline std::string log_lines(std::int64_t first, std::int64_t last) {
  static frame_sealer sealer{vector_key().value};
  std::string result;
  for (auto i = first; i <= last; ++i) {
    result += stamp;
    result += ' ';
    sealer.append(result, i, output_source::out, numbered_text(i));
  }
  return result;
}

/// The numbers of a batch's lines, after checking that each says its own.
inline std::vector<std::int64_t> numbers(const log_batch& batch) {
  std::vector<std::int64_t> result;
  for (const auto& line : batch.lines)
    result.push_back(line.line.text == numbered_text(line.number) ? line.number
                                                                  : -1);
  return result;
}

} // namespace cuttle::podlog::test
