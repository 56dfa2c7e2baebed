#include <limits>

#include "infra/workspace/store.hpp"

namespace cuttle::workspace {

namespace {

__extension__ using wide = unsigned __int128;

constexpr int max_digits = 18;
constexpr auto limit = wide{std::numeric_limits<std::uint64_t>::max()};

// A number as digits · 10^exponent · 2^shift.
struct scale {
  int exponent = 0;
  int shift = 0;
};

std::optional<int> parse_exponent(std::string_view text) {
  auto negative = !text.empty() && text.front() == '-';
  if (!text.empty() && (text.front() == '-' || text.front() == '+'))
    text.remove_prefix(1);
  if (text.empty() || text.size() > 2)
    return std::nullopt;
  auto result = 0;
  for (auto c : text) {
    if (c < '0' || c > '9')
      return std::nullopt;
    result = 10 * result + (c - '0');
  }
  return negative ? -result : result;
}

std::optional<scale> parse_suffix(std::string_view text) {
  struct row {
    std::string_view suffix;
    scale value;
  };
  constexpr row rows[]
    = {{"", {0, 0}},    {"n", {-9, 0}},  {"u", {-6, 0}},  {"m", {-3, 0}},
       {"k", {3, 0}},   {"M", {6, 0}},   {"G", {9, 0}},   {"T", {12, 0}},
       {"P", {15, 0}},  {"E", {18, 0}},  {"Ki", {0, 10}}, {"Mi", {0, 20}},
       {"Gi", {0, 30}}, {"Ti", {0, 40}}, {"Pi", {0, 50}}, {"Ei", {0, 60}}};
  for (const auto& row : rows)
    if (text == row.suffix)
      return row.value;
  if (text.front() != 'e' && text.front() != 'E')
    return std::nullopt;
  auto exponent = parse_exponent(text.substr(1));
  if (!exponent)
    return std::nullopt;
  return scale{*exponent, 0};
}

} // namespace

std::optional<std::uint64_t> parse_quantity(std::string_view text) {
  if (!text.empty() && text.front() == '+')
    text.remove_prefix(1);
  wide digits = 0;
  auto count = 0;
  auto significant = 0;
  auto after_point = 0;
  auto point = false;
  while (!text.empty()) {
    auto c = text.front();
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9') {
      digits = 10 * digits + static_cast<unsigned>(c - '0');
      ++count;
      if (digits != 0)
        ++significant;
      if (point)
        ++after_point;
    } else {
      break;
    }
    if (significant > max_digits || after_point > max_digits)
      return std::nullopt;
    text.remove_prefix(1);
  }
  auto suffix = parse_suffix(text);
  if (count == 0 || !suffix)
    return std::nullopt;
  auto exponent = suffix->exponent - after_point;
  digits <<= suffix->shift;
  for (; exponent > 0 && digits != 0; --exponent) {
    digits *= 10;
    if (digits > limit)
      return std::nullopt;
  }
  // A fraction of a byte counts as a whole one, as Kubernetes has it.
  for (; exponent < 0 && digits != 0; ++exponent)
    digits = (digits + 9) / 10;
  if (digits > limit)
    return std::nullopt;
  return static_cast<std::uint64_t>(digits);
}

} // namespace cuttle::workspace
