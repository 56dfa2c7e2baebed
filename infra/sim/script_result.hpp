#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "messages/failure.hpp"
#include "messages/script.hpp"

namespace cuttle::sim {

/// How a script execution went, as Octopus would show it.
struct script_result {
  process_state state = process_state::pending;
  std::int32_t exit_code = 0;
  /// Set when the server gave up: the RPC error.
  failure trouble;
  bool cancelled = false;
  /// All lines, or the first `octopus_server::options::keep_bytes` of them.
  std::vector<output_line> lines;
  /// Lines that came, kept or not.
  std::size_t line_count = 0;
  /// Attempts of each call, retries included.
  unsigned start_calls = 0;
  unsigned status_calls = 0;
  unsigned cancel_calls = 0;
  unsigned complete_calls = 0;
  /// Attempts of any call that failed.
  unsigned failed_calls = 0;
  /// The longest that an answer to GetStatus took.
  std::chrono::milliseconds longest_status{0};
  using clock = std::chrono::steady_clock;
  clock::time_point queued;
  /// When StartScript was answered.
  clock::time_point started;
  /// When the first numbered line came, that is one of the script itself.
  clock::time_point first_script_line;
  clock::time_point ended;
};

} // namespace cuttle::sim
