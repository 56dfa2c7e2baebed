#include "programs/runner/line_splitter.hpp"

#include <utility>

namespace cuttle::runner {

namespace {

// Where to cut so that a piece has at most `limit` bytes and no character of
// UTF-8 is torn.
std::size_t cut_position(std::string_view line, std::size_t limit) {
  constexpr std::size_t longest_character = 4;
  auto inside = [line](std::size_t i) {
    return (static_cast<unsigned char>(line[i]) & 0xC0) == 0x80;
  };
  auto result = limit;
  while (result > 1 && limit - result < longest_character && inside(result))
    --result;
  return inside(result) ? limit : result;
}

} // namespace

line_splitter::line_splitter(std::size_t limit, sink emit)
  : limit_(limit), emit_(std::move(emit)) {}

void line_splitter::push(std::string_view data) {
  while (!data.empty()) {
    auto end = data.find('\n');
    if (end == std::string_view::npos) {
      rest_ += data;
      if (rest_.size() > limit_) {
        auto left = emit_pieces(rest_);
        rest_.erase(0, rest_.size() - left.size());
      }
      return;
    }
    if (rest_.empty()) {
      emit_line(data.substr(0, end));
    } else {
      rest_ += data.substr(0, end);
      emit_line(rest_);
      rest_.clear();
      if (rest_.capacity() > 1024 * 1024)
        rest_.shrink_to_fit();
    }
    data.remove_prefix(end + 1);
  }
}

void line_splitter::finish() {
  if (!rest_.empty())
    emit_(emit_pieces(rest_));
  rest_.clear();
  continued_ = false;
}

std::string_view line_splitter::emit_pieces(std::string_view line) {
  while (line.size() > limit_) {
    auto size = cut_position(line, limit_);
    emit_(line.substr(0, size));
    line.remove_prefix(size);
    continued_ = true;
  }
  return line;
}

void line_splitter::emit_line(std::string_view line) {
  if (!line.empty() && line.back() == '\r')
    line.remove_suffix(1);
  line = emit_pieces(line);
  if (!line.empty() || !continued_)
    emit_(line);
  continued_ = false;
}

} // namespace cuttle::runner
