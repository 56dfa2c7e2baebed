#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace cuttle {

/// The program `cuttle` as another process, with a command of its own. Killed
/// with its owner. For one thread.
class own_program {
public:
  /// Starts it with PATH and `environment` alone; its output is appended to
  /// `log`. Throws `std::runtime_error` when it can not be started.
  own_program(std::vector<std::string> arguments,
              const std::map<std::string, std::string>& environment,
              std::filesystem::path log);
  ~own_program();

  own_program(const own_program&) = delete;
  own_program& operator=(const own_program&) = delete;

  /// -1 once it has ended.
  pid_t id() const {
    return id_;
  }

  /// Whether it still runs.
  bool alive();

  /// Asks it to end; kills it after `patience`.
  void stop(std::chrono::seconds patience);

  /// Kills it at once, as a lost node does.
  void kill();

  /// Exit code, or 128 + signal, of a process that has ended.
  std::optional<int> exit_code() const {
    return code_;
  }

  /// The end of what it wrote, at most 4 KiB.
  std::string log_tail() const;

private:
  void ended(int status);

  pid_t id_ = -1;
  std::optional<int> code_;
  std::filesystem::path log_;
};

} // namespace cuttle
