#include "infra/sim/cluster_log.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "infra/sim/cluster_clock.hpp"
#include "infra/sim/cluster_text.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle::sim {

namespace {

constexpr std::size_t part_size = 16 * 1024;
constexpr std::size_t chunk_size = 64 * 1024;

/// Length of `<time> <stream> <P|F> ` in the file.
constexpr std::size_t time_size = 30;
constexpr std::size_t prefix_size = time_size + 10;

std::filesystem::path file_of(const std::filesystem::path& stem,
                              std::uint64_t generation) {
  auto result = stem;
  result += '.' + std::to_string(generation) + ".log";
  return result;
}

} // namespace

container_log::container_log(std::filesystem::path stem,
                             std::size_t rotate_bytes,
                             std::function<void()> on_growth)
  : stem_(std::move(stem)), rotate_bytes_(rotate_bytes),
    on_growth_(std::move(on_growth)) {
  open_next();
}

container_log::~container_log() {
  if (file_ >= 0)
    close(file_);
  std::error_code ignored;
  std::filesystem::remove(file_of(stem_, generation_), ignored);
}

void container_log::open_next() {
  auto next = open(file_of(stem_, generation_ + 1).c_str(),
                   O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  if (next < 0) {
    telemetry::warn("embedded-cluster-log-not-opened",
                    {{"file", file_of(stem_, generation_ + 1).string()},
                     {"why", std::strerror(errno)}});
    broken_ = file_ < 0;
    return;
  }
  if (file_ >= 0) {
    close(file_);
    unlink(file_of(stem_, generation_).c_str());
  }
  file_ = next;
  ++generation_;
  size_ = 0;
}

void container_log::rotate() {
  std::lock_guard lock{mutex_};
  if (rotate_bytes_ != 0 && size_ > rotate_bytes_)
    open_next();
}

void container_log::write_part(stream which, std::string_view text, bool last,
                               timestamp now) {
  // Times never fall and never repeat, as with a runtime that takes the time
  // for each line.
  last_ = std::max(now, last_ + std::chrono::nanoseconds{1});
  write_time();
  buffer_ += which == stream::out ? " stdout " : " stderr ";
  buffer_ += last ? "F " : "P ";
  buffer_ += text;
  buffer_ += '\n';
}

void container_log::write_time() {
  auto since_epoch = last_.time_since_epoch();
  auto second = std::chrono::floor<std::chrono::seconds>(since_epoch);
  if (second != second_) {
    second_ = second;
    second_text_ = rfc3339(last_).substr(0, 19) + '.';
  }
  buffer_ += second_text_;
  auto nanos = std::chrono::nanoseconds{since_epoch - second}.count();
  for (auto unit = 100'000'000l; unit > 0; unit /= 10)
    buffer_ += static_cast<char>('0' + nanos / unit % 10);
  buffer_ += 'Z';
}

void container_log::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty() && !broken_) {
    auto n = write(file_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      broken_ = true;
      telemetry::warn(
        "embedded-cluster-log-not-written",
        {{"file", stem_.string()}, {"why", std::strerror(errno)}});
      break;
    }
    size_ += static_cast<std::uint64_t>(n);
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  buffer_.clear();
}

void container_log::append(stream which, std::string_view bytes) {
  rotate();
  {
    std::lock_guard lock{mutex_};
    auto now = cluster_now();
    auto& unfinished = unfinished_[which == stream::out ? 0 : 1];
    while (!bytes.empty()) {
      auto room = part_size - unfinished.size();
      auto end = bytes.substr(0, room).find('\n');
      auto last = end != bytes.npos;
      auto text = bytes.substr(0, last ? end : room);
      auto whole = last || text.size() == room;
      bytes.remove_prefix(text.size() + (last ? 1 : 0));
      if (!whole) {
        unfinished += text;
      } else if (unfinished.empty()) {
        write_part(which, text, last, now);
      } else {
        unfinished += text;
        write_part(which, unfinished, last, now);
        unfinished.clear();
      }
    }
    flush();
  }
  on_growth_();
}

void container_log::finish() {
  {
    std::lock_guard lock{mutex_};
    auto now = cluster_now();
    for (auto which : {stream::out, stream::err}) {
      auto& rest = unfinished_[which == stream::out ? 0 : 1];
      if (!rest.empty())
        write_part(which, rest, true, now);
      rest.clear();
    }
    flush();
    ended_ = true;
  }
  on_growth_();
}

log_reader::log_reader(std::shared_ptr<container_log> log, options options)
  : log_(std::move(log)), options_(options) {
  if (options_.since)
    since_ = rfc3339(*options_.since).substr(0, 19);
}

log_reader::~log_reader() {
  if (file_ >= 0)
    close(file_);
}

log_reader::state log_reader::read(std::string& out) {
  bool ended = false;
  {
    std::lock_guard lock{log_->mutex_};
    ended = log_->ended_ || log_->broken_;
    if (generation_ != log_->generation_) {
      if (file_ >= 0)
        close(file_);
      file_ = open(file_of(log_->stem_, log_->generation_).c_str(),
                   O_RDONLY | O_CLOEXEC);
      generation_ = log_->generation_;
      offset_ = 0;
      raw_.clear();
      if (inside_line_ && !skipping_)
        out += '\n';
      inside_line_ = false;
    }
  }
  if (file_ < 0)
    return state::ended;
  auto held = raw_.size();
  raw_.resize(held + chunk_size);
  auto n = pread(file_, raw_.data() + held, chunk_size, offset_);
  raw_.resize(held + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  if (n <= 0)
    return ended || (n < 0 && errno != EINTR) ? state::ended : state::idle;
  offset_ += n;
  convert(out);
  return state::more;
}

void log_reader::convert(std::string& out) {
  std::string_view rest = raw_;
  for (;;) {
    auto end = rest.find('\n');
    if (end == rest.npos)
      break;
    auto line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (line.size() < prefix_size)
      continue;
    if (!inside_line_) {
      skipping_ = !since_.empty() && line.substr(0, 19) < since_;
      if (!skipping_ && options_.timestamps)
        out.append(line.substr(0, time_size)) += ' ';
    }
    auto last = line[prefix_size - 2] == 'F';
    inside_line_ = !last;
    if (skipping_)
      continue;
    out += line.substr(prefix_size);
    if (last)
      out += '\n';
  }
  raw_.erase(0, raw_.size() - rest.size());
}

} // namespace cuttle::sim
