#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

namespace cuttle::interop {

/// A program that runs beside the test; its output goes to a file.
class child_process {
public:
  /// Starts `words[0]`, found by PATH, with `more` in its environment.
  child_process(std::vector<std::string> words,
                const std::map<std::string, std::string>& more,
                std::filesystem::path output);

  /// As `stop`.
  ~child_process();

  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  /// Waits for its end; the exit code, or -1 after a signal.
  int wait();

  /// Asks it to end, and kills it if it does not; the exit code, or -1.
  int stop();

  /// Of the process, while it runs.
  pid_t id() const {
    return pid_;
  }

  /// Kills it, as a machine that fails.
  void kill();

  /// Waits until its output is as `enough` wants it; false if it ended first,
  /// or after a minute.
  bool wait_for_output(const std::function<bool(const std::string&)>& enough);

  /// What it has written so far.
  std::string output() const;

private:
  bool ended();

  pid_t pid_ = -1;
  int status_ = 0;
  std::filesystem::path output_;
};

} // namespace cuttle::interop
