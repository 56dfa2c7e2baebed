#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "programs/cuttle/own_program.hpp"

namespace cuttle {

/// What the kernel says of a process.
struct process_usage {
  /// User and system time of all its threads since it started.
  double cpu_seconds = 0;
  double resident_mib = 0;
  /// The most that was ever resident.
  double peak_mib = 0;
  unsigned descriptors = 0;
  unsigned threads = 0;
};

/// Nothing when there is no such process (any more).
std::optional<process_usage> usage_of(pid_t process);

/// `cuttle run` as a process of its own, of the same binary, so that its memory
/// and CPU time are its own. Killed with its owner.
class bench_worker : public own_program {
public:
  /// See `own_program`.
  bench_worker(const std::filesystem::path& kubeconfig,
               const std::map<std::string, std::string>& environment,
               std::filesystem::path log)
    : own_program({"run", "--kubeconfig", kubeconfig.string()}, environment,
                  std::move(log)) {}
};

} // namespace cuttle
