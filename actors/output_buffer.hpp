#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "messages/podlog.hpp"

namespace cuttle {

/// The lines of one operation that the worker holds for the server: numbered
/// ones in order, kept until the server's cursor has passed them and memory is
/// wanted, and the worker's own ones, handed out once. Pure; one thread.
class output_buffer {
public:
  /// Lines that one response may carry, besides numbered ones.
  static constexpr std::size_t most_remarks = 2'000;

  /// What a response takes.
  struct page {
    std::vector<output_line> lines;
    /// Number of the last line in it, or the cursor.
    std::int64_t next = 0;
    /// Whether lines after it are here already.
    bool more = false;
  };

  /// Takes numbered lines; those that are here already are ignored.
  void add(std::vector<numbered_line> lines);

  /// Takes a line of the worker's own. Beyond `most_remarks` the oldest is
  /// replaced by a count.
  void add(output_line line);

  /// The lines after `cursor`, merged with the worker's own by time [LOG-20];
  /// at most `bytes` of text, but at least one line. The worker's own ones are
  /// removed [LOG-19].
  page take(std::int64_t cursor, std::size_t bytes);

  /// Forgets lines that the server has confirmed by its cursor until at most
  /// `keep` bytes of memory are left; returns the bytes freed.
  std::size_t forget(std::int64_t confirmed, std::size_t keep);

  /// Forgets all numbered lines: they will be read again from `cursor` on.
  /// Returns the bytes freed.
  std::size_t restart(std::int64_t cursor);

  /// Lines up to this number are not here any more.
  std::int64_t base() const {
    return base_;
  }

  /// Number of the last line that came in, or `base`.
  std::int64_t last() const {
    return lines_.empty() ? base_ : lines_.back().number;
  }

  /// Memory of the numbered lines, in bytes.
  std::size_t bytes() const {
    return bytes_;
  }

private:
  std::deque<numbered_line> lines_;
  std::deque<output_line> remarks_;
  std::size_t dropped_remarks_ = 0;
  std::int64_t base_ = 0;
  std::size_t bytes_ = 0;
};

} // namespace cuttle
