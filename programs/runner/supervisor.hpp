#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <span>

#include "programs/runner/frame_output.hpp"
#include "programs/runner/line_splitter.hpp"
#include "programs/runner/script_process.hpp"
#include "programs/runner/worker_link.hpp"

namespace cuttle::runner {

/// Watches one script from its first line to the end marker: one thread, one
/// `poll` over two pipes, the signals, the output and the link to the worker.
class supervisor {
public:
  using clock = frame_output::clock;

  /// After SIGKILL the pipes are read for so long, then the end is reported
  /// although a process that left the group may still hold them.
  static constexpr std::chrono::seconds drain_time{2};

  /// `grace`: how long the script has after SIGTERM before SIGKILL.
  /// `signals` is a signalfd of the blocked SIGCHLD, SIGTERM, SIGINT, SIGHUP.
  /// `link` may be nullptr.
  supervisor(frame_output& output, script_process script, int signals,
             std::chrono::seconds grace, std::unique_ptr<worker_link> link);
  ~supervisor();
  supervisor(const supervisor&) = delete;
  supervisor& operator=(const supervisor&) = delete;

  /// Runs to the end marker [BR-06], [BR-07]; returns the exit code of the
  /// runner [BR-09]. Ends when the script has ended and both pipes are closed
  /// [BR-11].
  int run();

private:
  struct input {
    int descriptor;
    line_splitter lines;
  };

  void emit(output_source source, std::string_view text);
  bool finished() const;
  void wait();
  std::chrono::nanoseconds time_to_wait(clock::time_point now) const;
  void read_input(input& from);
  void close_input(input& from);
  void read_signals();
  void reap();
  void stop(int signal, int code);
  void check_deadline(clock::time_point now);
  void report_end(int marker);
  void write_everything();
  void turn_link(clock::time_point now, short events);

  frame_output& output_;
  script_process script_;
  int signals_;
  std::chrono::seconds grace_;
  std::unique_ptr<worker_link> link_;
  std::array<input, 2> inputs_;
  std::array<char, 64 * 1024> buffer_;
  /// The script's wait status, once it ended.
  std::optional<int> status_;
  /// Exit code decided by a signal to the runner.
  std::optional<int> stop_code_;
  /// Next step of the end that a signal began.
  std::optional<clock::time_point> deadline_;
  bool killed_ = false;
  bool gave_up_ = false;
};

} // namespace cuttle::runner
