#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "messages/script.hpp"

namespace cuttle::sim {

/// A container's log as a file, in the format of container runtimes:
/// `<time> <stdout|stderr> <P|F> <text>`, a line of more than 16 KiB in parts.
/// Nothing but one unfinished part of each stream is held in memory.
/// Thread-safe.
class container_log {
public:
  enum class stream { out, err };

  /// `on_growth` is called after each change, on the writing thread, without
  /// any lock. The file is `<stem>.<n>.log`.
  container_log(std::filesystem::path stem, std::size_t rotate_bytes,
                std::function<void()> on_growth);

  /// Removes the file; open readers go on reading.
  ~container_log();

  container_log(const container_log&) = delete;
  container_log& operator=(const container_log&) = delete;

  /// Bytes as they came from a pipe.
  void append(stream which, std::string_view bytes);

  /// No more will come; unfinished lines are written.
  void finish();

  /// Starts a new file when the present one is larger than `rotate_bytes`.
  /// Public for tests, called by `append`.
  void rotate();

private:
  friend class log_reader;
  void write_part(stream which, std::string_view text, bool last,
                  timestamp now);
  void write_time();
  void flush();
  void open_next();

  const std::filesystem::path stem_;
  const std::size_t rotate_bytes_;
  const std::function<void()> on_growth_;
  std::mutex mutex_;
  int file_ = -1;
  std::uint64_t generation_ = 0;
  std::uint64_t size_ = 0;
  bool ended_ = false;
  bool broken_ = false;
  std::array<std::string, 2> unfinished_;
  std::string buffer_;
  timestamp last_;
  /// `last_` up to its second as text, which is the same for many lines.
  std::chrono::seconds second_{-1};
  std::string second_text_;
};

/// Reads a log from its start, as the API server gives it: parts joined, each
/// line with its time when asked for. When the log was rotated meanwhile, what
/// was not read yet is lost. For one thread at a time.
class log_reader {
public:
  struct options {
    bool timestamps = false;
    /// Lines before this second are left out.
    std::optional<timestamp> since;
  };

  log_reader(std::shared_ptr<container_log> log, options options);
  ~log_reader();

  log_reader(const log_reader&) = delete;
  log_reader& operator=(const log_reader&) = delete;

  enum class state {
    /// Something was read; there may be more (`out` may still be empty).
    more,
    /// All there is has been read; the container goes on.
    idle,
    /// The container has ended and all was read.
    ended,
  };

  /// Appends the text of at most 64 KiB of the file to `out`.
  state read(std::string& out);

private:
  void convert(std::string& out);

  const std::shared_ptr<container_log> log_;
  const options options_;
  std::string since_;
  int file_ = -1;
  std::uint64_t generation_ = 0;
  std::int64_t offset_ = 0;
  std::string raw_;
  bool inside_line_ = false;
  bool skipping_ = false;
};

} // namespace cuttle::sim
