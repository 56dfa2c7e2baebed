#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace cuttle::runner {

/// The lines that no worker has acknowledged, by number without a gap: the
/// newer ones in memory, older ones in the file `cuttle-lines` of the
/// workspace. Each byte has a position, counted from the first line of the
/// script, so that a sender needs to remember no more than where it is.
class held_lines {
public:
  using position = std::uint64_t;

  /// More than this in memory goes to the file.
  static constexpr std::size_t memory_bytes = 1024 * 1024;

  /// `spool_bytes`: the longest that the file may be, while the script runs.
  held_lines(const std::string& directory, std::uint64_t spool_bytes);
  ~held_lines();
  held_lines(const held_lines&) = delete;
  held_lines& operator=(const held_lines&) = delete;

  /// Adds the next line: `time`, a blank, `frame` with its line feed.
  void add(std::int64_t number, std::string_view time, std::string_view frame);

  /// Number of the first line held; one more than the last one if none is.
  std::int64_t first() const {
    return first_;
  }

  /// Number of the last line added.
  std::int64_t last() const {
    return next_ - 1;
  }

  bool empty() const {
    return begin_ == end_;
  }

  position begin() const {
    return begin_;
  }

  position end() const {
    return end_;
  }

  std::uint64_t size() const {
    return end_ - begin_;
  }

  /// Memory is full and the file takes no more.
  bool full() const {
    return memory_size() > memory_bytes;
  }

  /// Where line `number` begins; `first()` … `last() + 1`.
  position find(std::int64_t number) const;

  /// Appends up to `limit` bytes from `from` on; false when the file can not be
  /// read.
  bool read(position from, std::size_t limit, std::string& out) const;

  /// Forgets the lines up to `number`.
  void drop(std::int64_t number);

  /// Leaves the lines in the file, or no file when there are none. Returns 0 or
  /// the number of an error. Call once, last.
  int save();

private:
  struct mark {
    std::int64_t number;
    position where;
  };

  std::size_t memory_size() const {
    return memory_.size() - memory_used_;
  }

  std::uint64_t file_size() const {
    return memory_begin_ - file_begin_;
  }

  bool open_file();
  bool append(std::string_view bytes);
  void spill();
  bool compact();
  void drop_front(position where);

  std::string path_;
  std::uint64_t spool_bytes_;
  int file_ = -1;
  int error_ = 0;
  /// Numbers of the first line held and of the next one to come.
  std::int64_t first_ = 1;
  std::int64_t next_ = 1;
  /// What is held, where the file's first byte is, and memory's first one.
  position begin_ = 0;
  position end_ = 0;
  position file_begin_ = 0;
  position memory_begin_ = 0;
  std::string memory_;
  std::size_t memory_used_ = 0;
  /// Where some of the lines begin, in order.
  std::deque<mark> marks_;
};

} // namespace cuttle::runner
