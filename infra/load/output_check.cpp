#include "infra/load/output_check.hpp"

#include <charconv>

namespace cuttle::load {

namespace {

// Takes a number and the space after it off the front.
template <class Number>
bool take(std::string_view& text, Number& out) {
  auto* last = text.data() + text.size();
  auto [end, error] = std::from_chars(text.data(), last, out);
  if (error != std::errc{} || (end != last && *end != ' '))
    return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (!text.empty())
    text.remove_prefix(1);
  return true;
}

bool take_word(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word))
    return false;
  text.remove_prefix(word.size());
  return true;
}

} // namespace

std::optional<load_line> read_load_line(std::string_view text) {
  load_line result;
  if (!take_word(text, "load "))
    return std::nullopt;
  if (take_word(text, "begin ")) {
    result.what = load_line::kind::begin;
  } else if (take_word(text, "end ")) {
    result.what = load_line::kind::end;
  } else {
    result.what = load_line::kind::numbered;
    if (!take(text, result.number))
      return std::nullopt;
  }
  return take(text, result.printed) ? std::optional{result} : std::nullopt;
}

void output_check::add(const load_line& line) {
  switch (line.what) {
  case load_line::kind::begin:
    if (++begins_ > 1)
      ++doubled_;
    else if (last_ > 0)
      ++disordered_;
    return;
  case load_line::kind::end:
    if (ended_at_)
      ++doubled_;
    ended_at_ = line.printed;
    return;
  case load_line::kind::numbered:
    break;
  }
  if (line.number == 0 || line.number > seen_.size()
      || seen_[line.number - 1]) {
    ++doubled_;
    return;
  }
  seen_[line.number - 1] = true;
  ++count_;
  if (line.number < last_ || ended_at_)
    ++disordered_;
  else
    last_ = line.number;
}

std::uint64_t output_check::lost() const {
  return seen_.size() - count_ + (begins_ == 0 ? 1u : 0u)
         + (ended_at_ ? 0u : 1u);
}

} // namespace cuttle::load
