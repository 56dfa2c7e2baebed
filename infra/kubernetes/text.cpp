#include "infra/kubernetes/text.hpp"

namespace cuttle::kubernetes {

std::string one_line(std::string_view text, std::size_t limit) {
  std::string result;
  for (auto c : text) {
    auto space = c == '\n' || c == '\r' || c == ' ' || c == '\t';
    if (space && (result.empty() || result.back() == ' '))
      continue;
    result += space ? ' ' : c;
    if (result.size() > limit)
      break;
  }
  auto is_tail
    = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  if (result.size() > limit) {
    constexpr std::string_view mark = "…";
    auto end = limit > mark.size() ? limit - mark.size() : 0;
    while (end > 0 && is_tail(result[end]))
      --end;
    result.resize(end);
    result += mark;
  }
  while (!result.empty() && result.back() == ' ')
    result.pop_back();
  return result;
}

std::string sentence(std::string_view text) {
  auto result = one_line(text);
  if (!result.empty() && result.back() != '.')
    result += '.';
  return result;
}

} // namespace cuttle::kubernetes
