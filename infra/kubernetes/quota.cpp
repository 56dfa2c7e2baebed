#include "infra/kubernetes/quota.hpp"

#include <charconv>
#include <map>

#include "infra/kubernetes/advice.hpp"

namespace cuttle::kubernetes {

namespace {

constexpr std::string_view opening = "exceeded quota: ";
constexpr std::string_view labels[]
  = {", requested: ", ", used: ", ", limited: "};

/// `a=1,b=2` as a map.
std::map<std::string, std::string, std::less<>> read_list(std::string_view x) {
  std::map<std::string, std::string, std::less<>> result;
  while (!x.empty()) {
    auto end = std::min(x.find(','), x.size());
    auto item = x.substr(0, end);
    if (auto cut = item.find('='); cut != std::string_view::npos)
      result.emplace(item.substr(0, cut), item.substr(cut + 1));
    x.remove_prefix(std::min(end + 1, x.size()));
  }
  return result;
}

bool asks_too_much(const quota_refusal& x) {
  auto limits = read_list(x.limited);
  for (auto& [resource, text] : read_list(x.requested)) {
    auto i = limits.find(resource);
    if (i == limits.end())
      continue;
    auto wanted = read_quantity(text);
    auto most = read_quantity(i->second);
    if (wanted && most && *wanted > *most)
      return true;
  }
  return false;
}

} // namespace

std::optional<double> read_quantity(std::string_view text) {
  double number = 0;
  auto [end, error]
    = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{})
    return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  struct suffix {
    std::string_view text;
    double factor;
  };
  static constexpr suffix suffixes[]
    = {{"", 1},        {"n", 1e-9},    {"u", 1e-6},    {"m", 1e-3},
       {"k", 1e3},     {"M", 1e6},     {"G", 1e9},     {"T", 1e12},
       {"P", 1e15},    {"E", 1e18},    {"Ki", 1024},   {"Mi", 1048576},
       {"Gi", 0x1p30}, {"Ti", 0x1p40}, {"Pi", 0x1p50}, {"Ei", 0x1p60}};
  for (auto& x : suffixes)
    if (x.text == text)
      return number * x.factor;
  return std::nullopt;
}

bool is_quota_uncounted(std::string_view message) {
  return message.find("status unknown for quota") != std::string_view::npos;
}

std::optional<quota_refusal> read_quota_refusal(std::string_view message) {
  auto at = message.find(opening);
  if (at == std::string_view::npos)
    return std::nullopt;
  auto rest = message.substr(at + opening.size());
  std::string parts[4];
  for (std::size_t i = 0; i < 3; ++i) {
    auto end = rest.find(labels[i]);
    if (end == std::string_view::npos)
      return std::nullopt;
    parts[i] = rest.substr(0, end);
    rest.remove_prefix(end + labels[i].size());
  }
  // The driver ends the message as a sentence, and adds the remedy.
  auto end = std::min(rest.find(' '), rest.size());
  while (end > 0 && rest[end - 1] == '.')
    --end;
  parts[3] = rest.substr(0, end);
  quota_refusal result{parts[0], parts[1], parts[2], parts[3], false};
  result.never_fits = asks_too_much(result);
  return result;
}

std::string quota_text(const quota_refusal& x) {
  auto result = "The namespace's resource quota '" + x.name
                + "' has no room for the script's pod: it asks for "
                + x.requested + ", in use are " + x.used + ", the quota allows "
                + x.limited + '.';
  if (auto row = find_advice_in(trouble::refusal, opening))
    result += ' ' + std::string{row->remedy};
  return result;
}

} // namespace cuttle::kubernetes
