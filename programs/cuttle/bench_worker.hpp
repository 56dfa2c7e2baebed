#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>

namespace cuttle {

/// What the kernel says of a process.
struct process_usage {
  /// User and system time of all its threads since it started.
  double cpu_seconds = 0;
  double resident_mib = 0;
  /// The most that was ever resident.
  double peak_mib = 0;
};

/// Nothing when there is no such process (any more).
std::optional<process_usage> usage_of(pid_t process);

/// `cuttle run` as a process of its own, of the same binary, so that its memory
/// and CPU time are its own. Killed with its owner.
class bench_worker {
public:
  /// Starts it with PATH and `environment` alone; its output goes to `log`.
  /// Throws `std::runtime_error` when it can not be started.
  bench_worker(const std::filesystem::path& kubeconfig,
               const std::map<std::string, std::string>& environment,
               std::filesystem::path log);
  ~bench_worker();

  bench_worker(const bench_worker&) = delete;
  bench_worker& operator=(const bench_worker&) = delete;

  pid_t id() const {
    return id_;
  }

  /// Whether it still runs.
  bool alive();

  /// Asks it to end; kills it after `patience`.
  void stop(std::chrono::seconds patience);

  /// The end of what it wrote, at most 4 KiB.
  std::string log_tail() const;

private:
  pid_t id_ = -1;
  std::filesystem::path log_;
};

} // namespace cuttle
