#include "actors/output_buffer.hpp"

#include <algorithm>

namespace cuttle {

namespace {

std::size_t text_of(const numbered_line& x) {
  return x.line.text.size();
}

} // namespace

void output_buffer::add(std::vector<numbered_line> lines) {
  for (auto& x : lines) {
    if (x.number <= last())
      continue;
    bytes_ += memory_of(x);
    lines_.push_back(std::move(x));
  }
}

void output_buffer::add(output_line line) {
  if (remarks_.size() == most_remarks) {
    remarks_.pop_front();
    ++dropped_remarks_;
  }
  remarks_.push_back(std::move(line));
}

output_buffer::page output_buffer::take(std::int64_t cursor,
                                        std::size_t bytes) {
  page result;
  result.next = cursor;
  auto first = std::upper_bound(
    lines_.begin(), lines_.end(), cursor,
    [](std::int64_t n, const numbered_line& x) { return n < x.number; });
  auto end = first;
  std::size_t taken = 0;
  while (end != lines_.end()
         && (end == first || taken + text_of(*end) <= bytes))
    taken += text_of(*end++);
  result.more = end != lines_.end();
  result.lines.reserve(static_cast<std::size_t>(end - first) + remarks_.size()
                       + 1);
  if (dropped_remarks_ > 0) {
    result.lines.push_back(
      {output_source::debug, remarks_.front().occurred,
       std::to_string(dropped_remarks_)
         + " messages of the worker were dropped, the server did not ask for "
           "them in time."});
    dropped_remarks_ = 0;
  }
  std::stable_sort(remarks_.begin(), remarks_.end(),
                   [](const output_line& x, const output_line& y) {
                     return x.occurred < y.occurred;
                   });
  auto own = remarks_.begin();
  for (auto i = first; i != end; ++i) {
    while (own != remarks_.end() && own->occurred < i->line.occurred)
      result.lines.push_back(std::move(*own++));
    result.lines.push_back(i->line);
    result.next = i->number;
  }
  // With more to come, the worker's later lines wait for their place.
  while (own != remarks_.end() && !result.more)
    result.lines.push_back(std::move(*own++));
  remarks_.erase(remarks_.begin(), own);
  return result;
}

std::size_t output_buffer::forget(std::int64_t confirmed, std::size_t keep) {
  std::size_t freed = 0;
  while (!lines_.empty() && bytes_ > keep
         && lines_.front().number <= confirmed) {
    auto size = memory_of(lines_.front());
    freed += size;
    bytes_ -= size;
    base_ = lines_.front().number;
    lines_.pop_front();
  }
  return freed;
}

std::size_t output_buffer::restart(std::int64_t cursor) {
  auto freed = bytes_;
  lines_.clear();
  bytes_ = 0;
  base_ = cursor;
  return freed;
}

} // namespace cuttle
