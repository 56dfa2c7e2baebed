#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace cuttle::disk {

/// A few threads for file-system calls, which may hang on a network volume.
/// Thread-safe. Outlives everything that posts to it.
class disk_pool {
public:
  /// Starts `threads` threads, 1 to 64.
  explicit disk_pool(unsigned threads = 2);

  /// Runs what was posted and joins.
  ~disk_pool();

  disk_pool(const disk_pool&) = delete;
  disk_pool& operator=(const disk_pool&) = delete;

  /// Runs `job` on one of the threads, in no particular order to others.
  /// Exceptions that it throws are logged.
  void post(std::function<void()> job);

  /// Jobs posted and not finished.
  std::size_t pending() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace cuttle::disk
