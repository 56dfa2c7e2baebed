#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cuttle::kubernetes {

/// Cuts a stream of bytes into lines; holds at most one line.
class line_splitter {
public:
  explicit line_splitter(std::size_t limit_bytes) : limit_(limit_bytes) {}

  /// Calls `f(std::string_view)` with each line that `bytes` completes, without
  /// its end, empty ones not. `f` returns whether to go on. Returns false when
  /// `f` did or when a line is longer than the limit.
  template <class F>
  bool feed(std::string_view bytes, F f) {
    while (!bytes.empty()) {
      auto end = bytes.find('\n');
      auto part = bytes.substr(0, end);
      if (part.size() > limit_ - rest_.size())
        return false;
      if (end == std::string_view::npos) {
        rest_ += part;
        return true;
      }
      bytes.remove_prefix(end + 1);
      auto line = part;
      std::string whole;
      if (!rest_.empty()) {
        whole = std::move(rest_);
        rest_.clear();
        whole += part;
        line = whole;
      }
      if (!line.empty() && !f(line))
        return false;
    }
    return true;
  }

  /// Whether the stream stopped inside a line.
  bool open() const {
    return !rest_.empty();
  }

private:
  std::size_t limit_;
  std::string rest_;
};

} // namespace cuttle::kubernetes
