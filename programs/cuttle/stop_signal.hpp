#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace cuttle {

/// Waits for things to happen in `main`: a termination signal, or a call of
/// `notify`. Make it before any thread, so that all of them inherit the blocked
/// signals.
class stop_signal {
public:
  /// Blocks SIGTERM, SIGINT and SIGPIPE and starts the thread that waits for
  /// the first two.
  stop_signal();
  ~stop_signal();

  stop_signal(const stop_signal&) = delete;
  stop_signal& operator=(const stop_signal&) = delete;

  /// Wakes `wait`. Thread-safe.
  void notify();

  /// Blocks until `ready` is true or a signal came; returns whether one came.
  /// `ready` is checked after each `notify`.
  bool wait(const std::function<bool()>& ready);

  /// The same, for at most `limit`.
  bool wait_for(std::chrono::milliseconds limit,
                const std::function<bool()>& ready);

  /// Whether a signal came.
  bool raised() const {
    return raised_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> raised_ = false;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

} // namespace cuttle
