#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace cuttle::interop {

/// Path of `OctopusPeer.dll`, from the environment variable
/// `CUTTLE_INTEROP_PEER`; nothing when these tests are to be skipped.
std::optional<std::string> peer_program();

/// A run of OctopusPeer; its output goes to a file.
class peer_process {
public:
  peer_process(const std::vector<std::string>& arguments,
               const std::filesystem::path& output);

  /// Asks it to end, and kills it if it does not.
  ~peer_process();

  peer_process(const peer_process&) = delete;
  peer_process& operator=(const peer_process&) = delete;

  /// Waits for its end; the exit code, or -1 after a signal.
  int wait();

  /// What it has written so far.
  std::string output() const;

private:
  pid_t pid_ = -1;
  std::filesystem::path output_;
};

/// Makes the worker's certificate in `pfx`; its thumbprint.
std::string make_worker_identity(const std::filesystem::path& pfx);

} // namespace cuttle::interop
