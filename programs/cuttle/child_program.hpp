#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace cuttle {

/// How a program is run and who hears of it.
struct child_program {
  /// Looked up in PATH unless it has a slash, and its arguments.
  std::vector<std::string> command;
  std::chrono::steady_clock::time_point until;
  /// Each line that it says, on either output, without its end; longer ones
  /// than 4,096 bytes come in parts.
  std::function<void(const std::string&)> line;
  /// Called about every `tick` while it runs, on the caller's thread.
  std::function<void()> tick;
  std::chrono::milliseconds tick_every{2'000};
};

/// How a program ended.
enum class child_end : std::uint8_t {
  /// Exit code 0.
  good,
  /// Another exit code, or a signal.
  failed,
  /// It could not be started.
  not_started,
  /// It was stopped because its time was over: SIGTERM, SIGKILL 10 s later.
  late,
  /// It was stopped because the caller asked for it.
  stopped,
};

/// Runs a program without a shell, with empty standard input and the signals as
/// a program expects them, and waits for it. Blocks until it has ended. What it
/// leaves behind is not waited for.
child_end run_program(const child_program& what, std::stop_token stop = {});

/// Whether a program of that name can be run.
bool has_program(const std::string& name);

} // namespace cuttle
