#pragma once

#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "messages/failure.hpp"

namespace cuttle::sim {

/// An open file descriptor; closes it at the end.
class descriptor {
public:
  descriptor() = default;
  explicit descriptor(int value) : value_(value) {}
  descriptor(descriptor&& other) noexcept : value_(other.release()) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~descriptor();

  int get() const {
    return value_;
  }

  int release() {
    return std::exchange(value_, -1);
  }

private:
  int value_ = -1;
};

/// What a container runs.
struct process_spec {
  std::vector<std::string> arguments;
  /// `NAME=value`
  std::vector<std::string> environment;
  std::string directory = "/";
};

/// A running process: leader of a session and process group of its own, without
/// any other descriptor of this program.
struct child_process {
  pid_t pid = -1;
  /// Readable when the process has ended.
  descriptor ended;
  /// Read ends of its output.
  descriptor out;
  descriptor err;
};

/// Name of the variable that marks each process of a pod with the pod's UID.
inline constexpr const char* pod_mark = "CUTTLE_SIM_POD_UID";

/// Starts a process. `not_found`: no such program; `io_error`: all else.
outcome<child_process> start_process(const process_spec& spec);

/// Sends a signal to the container's first process alone, as a runtime does;
/// what that process started ends with it, see `kill_stragglers`.
void signal_first(pid_t first, int signal);

/// Takes the exit status of an ended process: 0 to 255, 128 + n when a signal
/// ended it; -1 while it runs.
int reap(const child_process& child);

/// Kills whatever of the pod still runs, in any process group, as the end of a
/// container's first process does. Call before the first process is reaped.
void kill_stragglers(pid_t leader, const std::string& pod_uid);

} // namespace cuttle::sim
