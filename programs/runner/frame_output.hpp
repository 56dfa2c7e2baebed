#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "infra/podlog/frame.hpp"

namespace cuttle::runner {

/// The runner's standard output: numbers lines over all streams [BR-05], frames
/// them, and writes many with one call. Writes never block; while the reader is
/// slow the frames wait here, and `full` tells to stop reading the script.
class frame_output {
public:
  using clock = std::chrono::steady_clock;

  /// Frames waiting beyond this many bytes stop the reading of the script.
  static constexpr std::size_t high_water = 256 * 1024;

  /// Frames that follow one another sooner than this are written together.
  static constexpr std::chrono::milliseconds linger{2};

  /// Writes to `descriptor`, which is made non-blocking until destruction.
  frame_output(int descriptor, std::span<const std::uint8_t> key);
  ~frame_output();
  frame_output(const frame_output&) = delete;
  frame_output& operator=(const frame_output&) = delete;

  /// Frames one line. Returns the frame with its line feed, valid until the
  /// next call; nothing after an error.
  std::string_view add(output_source source, std::string_view text);

  /// Number of the last line.
  std::int64_t number() const {
    return number_;
  }

  bool empty() const {
    return written_ == pending_.size();
  }

  bool full() const {
    return pending_.size() - written_ >= high_water;
  }

  /// The reader takes no more at present: wait until `descriptor` is writable.
  bool blocked() const {
    return blocked_;
  }

  /// When waiting frames have to be written at the latest.
  clock::time_point due() const {
    return last_write_ + linger;
  }

  /// Writes what waits if enough does or it is due; `force` writes anyhow.
  void flush(clock::time_point now, bool force = false);

  /// The number of the error that ended the output, or 0. After it everything
  /// is discarded.
  int error() const {
    return error_;
  }

private:
  int descriptor_;
  int flags_;
  podlog::frame_sealer sealer_;
  std::int64_t number_ = 0;
  std::string pending_;
  std::size_t written_ = 0;
  bool blocked_ = false;
  int error_ = 0;
  clock::time_point last_write_{};
};

} // namespace cuttle::runner
