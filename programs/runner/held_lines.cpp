#include "programs/runner/held_lines.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include "infra/runner_link/wire.hpp"

namespace cuttle::runner {

namespace {

// So far apart are the lines whose position is remembered.
constexpr std::uint64_t mark_distance = 64 * 1024;

// Bytes in one piece from file to file, and to look for a line's end.
constexpr std::size_t piece_bytes = 64 * 1024;

// Acknowledged bytes at the front of the file that are not worth a copy.
constexpr std::uint64_t small_waste = 4 * 1024 * 1024;

// What a script's end copies at most, to leave exactly what is held.
constexpr std::uint64_t largest_final_copy = 64 * 1024 * 1024;

// Encrypted lines, which a worker of another user has to read.
constexpr mode_t file_mode = 0644;

int create(const std::string& path) {
  return ::open(path.c_str(),
                O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, file_mode);
}

bool write_all(int file, std::string_view bytes, std::uint64_t where) {
  while (!bytes.empty()) {
    auto size
      = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(where));
    if (size < 0 && errno == EINTR)
      continue;
    if (size <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(size));
    where += static_cast<std::uint64_t>(size);
  }
  return true;
}

} // namespace

held_lines::held_lines(const std::string& directory, std::uint64_t spool_bytes)
  : path_(directory + "/" + runner_link::lines_file),
    spool_bytes_(spool_bytes) {}

held_lines::~held_lines() {
  if (file_ >= 0)
    ::close(file_);
}

void held_lines::add(std::int64_t number, std::string_view time,
                     std::string_view frame) {
  if (empty()) {
    first_ = number;
    marks_.clear();
  }
  if (marks_.empty() || end_ - marks_.back().where >= mark_distance)
    marks_.push_back({number, end_});
  memory_ += time;
  memory_ += ' ';
  memory_ += frame;
  end_ += time.size() + 1 + frame.size();
  next_ = number + 1;
  if (full())
    spill();
}

held_lines::position held_lines::find(std::int64_t number) const {
  if (number > last())
    return end_;
  auto next = std::upper_bound(
    marks_.begin(), marks_.end(), number,
    [](std::int64_t x, const mark& y) { return x < y.number; });
  if (next == marks_.begin())
    return begin_;
  auto [at, where] = *--next;
  std::string piece;
  while (at < number) {
    piece.clear();
    // A file that can not be read ends the search at a line that comes later.
    if (!read(where, piece_bytes, piece) || piece.empty())
      return end_;
    std::size_t used = 0;
    while (at < number) {
      auto stop = piece.find('\n', used);
      if (stop == std::string::npos) {
        used = piece.size();
        break;
      }
      used = stop + 1;
      ++at;
    }
    where += used;
  }
  return where;
}

bool held_lines::read(position from, std::size_t limit,
                      std::string& out) const {
  if (from < memory_begin_) {
    auto size = static_cast<std::size_t>(
      std::min<std::uint64_t>(limit, memory_begin_ - from));
    auto start = out.size();
    out.resize(start + size);
    ssize_t got = 0;
    do
      got = ::pread(file_, out.data() + start, size,
                    static_cast<off_t>(from - file_begin_));
    while (got < 0 && errno == EINTR);
    out.resize(start + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return got > 0;
  }
  out.append(memory_, memory_used_ + (from - memory_begin_), limit);
  return true;
}

void held_lines::drop(std::int64_t number) {
  if (number < first_)
    return;
  if (number >= last()) {
    drop_front(end_);
    first_ = next_;
    marks_.clear();
    return;
  }
  auto where = find(number + 1);
  // The file can not be read: keep too much rather than lose a line.
  if (where == end_)
    return;
  drop_front(where);
  first_ = number + 1;
  while (!marks_.empty() && marks_.front().number <= first_)
    marks_.pop_front();
  marks_.push_front({first_, where});
}

void held_lines::drop_front(position where) {
  begin_ = where;
  if (begin_ < memory_begin_) {
    auto waste = begin_ - file_begin_;
    auto live = memory_begin_ - begin_;
    if (waste >= std::max(std::min(small_waste, spool_bytes_ / 4), live / 2))
      compact();
  } else {
    if (file_size() > 0) {
      // What the file can not let go stays in it; the next lines overwrite it.
      if (::ftruncate(file_, 0) != 0)
        error_ = errno;
      file_begin_ = memory_begin_;
    }
    memory_used_ += begin_ - memory_begin_;
    memory_begin_ = begin_;
    // An empty file has its first byte where memory begins.
    file_begin_ = memory_begin_;
    if (memory_used_ == memory_.size() || memory_used_ > memory_.size() / 2) {
      memory_.erase(0, memory_used_);
      memory_used_ = 0;
      if (memory_.capacity() > 2 * memory_bytes)
        memory_.shrink_to_fit();
    }
  }
  if (full())
    spill();
}

bool held_lines::open_file() {
  if (file_ < 0)
    file_ = create(path_);
  if (file_ < 0)
    error_ = errno;
  return file_ >= 0;
}

bool held_lines::append(std::string_view bytes) {
  if (write_all(file_, bytes, file_size()))
    return true;
  error_ = errno;
  // Without the torn end, so that it can be tried again.
  if (::ftruncate(file_, static_cast<off_t>(file_size())) != 0)
    error_ = errno;
  return false;
}

// Moves memory to the file's end, if the file may grow so much.
void held_lines::spill() {
  auto size = memory_size();
  if (file_size() + size > spool_bytes_ || !open_file())
    return;
  if (!append(std::string_view{memory_}.substr(memory_used_)))
    return;
  memory_begin_ += size;
  memory_.clear();
  memory_used_ = 0;
  if (memory_.capacity() > 2 * memory_bytes)
    memory_.shrink_to_fit();
}

// Makes a file without the acknowledged lines at the front.
bool held_lines::compact() {
  auto name = path_ + ".new";
  auto fresh = create(name);
  if (fresh < 0)
    return false;
  std::string piece;
  auto good = true;
  for (auto at = begin_; good && at < memory_begin_; at += piece.size()) {
    piece.clear();
    good = read(at, piece_bytes, piece) && write_all(fresh, piece, at - begin_);
  }
  if (!good || ::rename(name.c_str(), path_.c_str()) != 0) {
    ::close(fresh);
    ::unlink(name.c_str());
    return false;
  }
  ::close(file_);
  file_ = fresh;
  file_begin_ = begin_;
  return true;
}

int held_lines::save() {
  error_ = 0;
  auto rest = std::string_view{memory_}.substr(memory_used_);
  if (empty()) {
    if (file_ >= 0)
      ::unlink(path_.c_str());
  } else if (file_size() > 0) {
    auto live = memory_begin_ - begin_;
    if (begin_ > file_begin_ && live <= largest_final_copy)
      compact();
    if (append(rest)
        && ::ftruncate(file_, static_cast<off_t>(file_size() + rest.size()))
             != 0)
      error_ = errno;
  } else {
    // Whole or not at all.
    auto name = path_ + ".new";
    auto fresh = create(name);
    if (fresh < 0)
      return errno;
    auto good = write_all(fresh, rest, 0);
    good = ::close(fresh) == 0 && good;
    if (!good || ::rename(name.c_str(), path_.c_str()) != 0) {
      error_ = errno;
      ::unlink(name.c_str());
    }
  }
  if (file_ >= 0 && ::close(file_) != 0 && error_ == 0)
    error_ = errno;
  file_ = -1;
  return error_;
}

} // namespace cuttle::runner
