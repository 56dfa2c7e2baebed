#pragma once

#include <functional>
#include <memory>

namespace cuttle::halibut {

/// The thread of all links: an event loop that never blocks. It must outlive
/// every object that was made with it. Thread-safe.
class io_thread {
public:
  /// Starts the thread.
  io_thread();

  /// Stops the loop without waiting for open work, and joins.
  ~io_thread();

  io_thread(const io_thread&) = delete;
  io_thread& operator=(const io_thread&) = delete;

  /// Runs `job` on the thread, soon. Exceptions that it throws are logged.
  void post(std::function<void()> job);

  struct impl;
  impl& get() {
    return *impl_;
  }

private:
  std::unique_ptr<impl> impl_;
};

} // namespace cuttle::halibut
