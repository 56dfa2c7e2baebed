#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace cuttle::test {

/// A child process with its output in a file. Killed with its owner.
class process {
public:
  /// Starts a program; `environment` is all that it gets besides PATH.
  process(std::vector<std::string> command,
          const std::map<std::string, std::string>& environment,
          std::filesystem::path output);
  ~process();
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  void signal(int number);

  pid_t id() const {
    return pid_;
  }

  /// Exit code, or 128 + signal, once it ended; nothing after `limit`.
  std::optional<int> wait(std::chrono::milliseconds limit);

  /// What it has written so far.
  std::string output() const;

private:
  pid_t pid_ = -1;
  int descriptor_ = -1;
  std::optional<int> code_;
  std::filesystem::path output_;
};

/// Waits until `condition` holds; false after `limit`.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds limit = std::chrono::seconds{30});

} // namespace cuttle::test
