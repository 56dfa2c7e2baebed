#include "infra/sim/cluster_text.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <span>
#include <stdexcept>

#include "infra/crypto/cipher.hpp"

namespace cuttle::sim {

namespace {

constexpr int max_depth = 64;

/// Reads exactly `digits` decimal digits; false when there are none.
bool take_number(std::string_view& text, std::size_t digits, int& out) {
  if (text.size() < digits)
    return false;
  out = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9')
      return false;
    out = out * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c)
    return false;
  text.remove_prefix(1);
  return true;
}

std::int64_t take_nanoseconds(std::string_view& text) {
  std::int64_t result = 0;
  int digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    if (digits < 9) {
      result = result * 10 + (text.front() - '0');
      ++digits;
    }
    text.remove_prefix(1);
  }
  for (; digits < 9; ++digits)
    result *= 10;
  return result;
}

} // namespace

std::string rfc3339(timestamp time, precision digits) {
  using namespace std::chrono;
  auto second = floor<seconds>(time);
  auto nanos = duration_cast<nanoseconds>(time - second).count();
  auto unix_time = static_cast<std::time_t>(second.time_since_epoch().count());
  std::tm parts{};
  gmtime_r(&unix_time, &parts);
  std::array<char, 64> text;
  auto n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  auto* end = text.data() + n;
  auto room = text.size() - n;
  if (digits == precision::seconds)
    n += static_cast<std::size_t>(std::snprintf(end, room, "Z"));
  else if (digits == precision::micro)
    n += static_cast<std::size_t>(std::snprintf(
      end, room, ".%06lldZ", static_cast<long long>(nanos / 1'000)));
  else
    n += static_cast<std::size_t>(
      std::snprintf(end, room, ".%09lldZ", static_cast<long long>(nanos)));
  return {text.data(), n};
}

std::optional<timestamp> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  std::tm parts{};
  int year = 0, month = 0;
  if (!take_number(text, 4, year) || !take(text, '-')
      || !take_number(text, 2, month) || !take(text, '-')
      || !take_number(text, 2, parts.tm_mday)
      || !(take(text, 'T') || take(text, 't'))
      || !take_number(text, 2, parts.tm_hour) || !take(text, ':')
      || !take_number(text, 2, parts.tm_min) || !take(text, ':')
      || !take_number(text, 2, parts.tm_sec))
    return std::nullopt;
  if (month < 1 || month > 12 || parts.tm_mday < 1 || parts.tm_mday > 31
      || parts.tm_hour > 23 || parts.tm_min > 59 || parts.tm_sec > 60)
    return std::nullopt;
  parts.tm_year = year - 1900;
  parts.tm_mon = month - 1;
  std::int64_t nanos = 0;
  if (take(text, '.'))
    nanos = take_nanoseconds(text);
  seconds offset{0};
  if (!take(text, 'Z') && !take(text, 'z')) {
    auto sign = take(text, '-') ? -1 : 1;
    if (sign == 1 && !take(text, '+'))
      return std::nullopt;
    int h = 0, m = 0;
    if (!take_number(text, 2, h) || !take(text, ':')
        || !take_number(text, 2, m))
      return std::nullopt;
    offset = sign * (hours{h} + minutes{m});
  }
  if (!text.empty())
    return std::nullopt;
  // Nanoseconds reach from 1677 to 2262; what is beyond counts as the end.
  auto whole = seconds{timegm(&parts)} - offset;
  constexpr auto last = floor<seconds>(timestamp::max().time_since_epoch());
  constexpr auto first = ceil<seconds>(timestamp::min().time_since_epoch());
  if (whole >= last || whole <= first)
    return timestamp{whole <= first ? first : last};
  return timestamp{whole} + nanoseconds{nanos};
}

std::string random_hex(std::size_t n) {
  std::vector<std::uint8_t> raw((n + 1) / 2);
  crypto::random_bytes(raw);
  auto text = crypto::to_hex(raw);
  for (auto& c : text)
    if (c >= 'A' && c <= 'F')
      c = static_cast<char>(c - 'A' + 'a');
  text.resize(n);
  return text;
}

std::string make_uid() {
  auto hex = random_hex(32);
  hex[12] = '4';
  constexpr std::string_view variants = "89ab";
  hex[16] = variants[static_cast<unsigned>(hex[16]) % 4];
  return hex.substr(0, 8) + '-' + hex.substr(8, 4) + '-' + hex.substr(12, 4)
         + '-' + hex.substr(16, 4) + '-' + hex.substr(20);
}

std::optional<nlohmann::json> parse_json(std::string_view text) {
  struct too_deep {};
  auto guard = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > max_depth)
      throw too_deep{};
    return true;
  };
  try {
    auto result = nlohmann::json::parse(text, guard, false);
    if (result.is_discarded())
      return std::nullopt;
    return result;
  } catch (const too_deep&) {
    return std::nullopt;
  }
}

std::string to_text(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

const nlohmann::json& value_at(const nlohmann::json& value,
                               const char* pointer) {
  static const nlohmann::json nothing;
  nlohmann::json::json_pointer where{pointer};
  if (!value.contains(where))
    return nothing;
  return value.at(where);
}

std::string text_at(const nlohmann::json& value, const char* pointer) {
  const auto& found = value_at(value, pointer);
  return found.is_string() ? found.get<std::string>() : std::string{};
}

void merge_patch(nlohmann::json& target, const nlohmann::json& patch) {
  target.merge_patch(patch);
}

std::optional<std::string> url_decode(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      result += ' ';
    } else if (text[i] != '%') {
      result += text[i];
    } else {
      if (i + 2 >= text.size())
        return std::nullopt;
      auto byte = crypto::from_hex(text.substr(i + 1, 2));
      if (!byte)
        return std::nullopt;
      result += static_cast<char>(byte->front());
      i += 2;
    }
  }
  return result;
}

} // namespace cuttle::sim
