#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "infra/podlog/frame.hpp"

namespace cuttle::runner::test {

/// A folder of its own with a key file; removed at the end.
class workspace {
public:
  workspace();
  ~workspace();
  workspace(const workspace&) = delete;
  workspace& operator=(const workspace&) = delete;

  const std::filesystem::path& path() const {
    return path_;
  }

  const crypto::log_key& key() const {
    return key_;
  }

  /// Writes a file and returns its whole path.
  std::string write(const std::string& name, std::string_view content) const;

private:
  std::filesystem::path path_;
  crypto::log_key key_;
};

/// A program started in a workspace, with its output in pipes. Killed at the
/// end if it still runs.
class process {
public:
  /// `environment` has `NAME=value` entries beside PATH.
  process(const workspace& where, std::vector<std::string> words,
          std::vector<std::string> environment = {});
  ~process();
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  pid_t pid() const {
    return pid_;
  }

  /// Read end of its standard output.
  int output() const {
    return out_;
  }

  /// Reads until a frame has exactly this text; false when there is none.
  bool wait_for(std::string_view text);

  /// Reads until there are so many frames; false when there are fewer.
  bool wait_for_frames(std::size_t count);

  /// Reads to the end and waits; minus the signal's number when one ended it.
  int finish();

  /// All frames so far, checked for numbers that rise from 1 without a gap.
  const std::vector<podlog::parsed_line>& frames() const {
    return frames_;
  }

  /// Texts of the script's own lines of one source: without the three lines at
  /// the start, the three at the end and the marker.
  std::vector<std::string> script_lines(output_source source) const;

  /// Exit code in the end marker, if that is the last frame.
  std::optional<int> marker() const;

  const std::string& error_text() const {
    return error_text_;
  }

  /// Bytes of standard output that are no frame.
  const std::string& unframed() const {
    return unframed_;
  }

private:
  bool read_some();
  void on_output(std::string_view data);

  podlog::line_parser parser_;
  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::string rest_;
  std::string error_text_;
  std::string unframed_;
  std::vector<podlog::parsed_line> frames_;
};

/// Runs a script body to its end with the real runner.
struct script_run : workspace, process {
  explicit script_run(std::string_view body,
                      std::vector<std::string> arguments = {},
                      std::vector<std::string> environment = {});
};

} // namespace cuttle::runner::test
