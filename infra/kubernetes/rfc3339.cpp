#include "infra/kubernetes/rfc3339.hpp"

#include <charconv>
#include <cstdio>

namespace cuttle::kubernetes {

namespace {

/// Takes `count` digits off the front of `text`; -1 when there are fewer.
int digits(std::string_view& text, size_t count) {
  if (text.size() < count)
    return -1;
  int value = 0;
  auto end = text.data() + count;
  for (auto c : text.substr(0, count))
    if (c < '0' || c > '9')
      return -1;
  if (std::from_chars(text.data(), end, value).ec != std::errc{})
    return -1;
  text.remove_prefix(count);
  return value;
}

bool skip(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos)
    return false;
  text.remove_prefix(1);
  return true;
}

/// Nanoseconds of a fraction of up to nine digits; -1 when there is none.
std::int64_t fraction(std::string_view& text) {
  std::int64_t value = 0;
  size_t count = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    if (++count > 9)
      return -1;
    value = value * 10 + (text.front() - '0');
    text.remove_prefix(1);
  }
  if (count == 0)
    return -1;
  for (; count < 9; ++count)
    value *= 10;
  return value;
}

/// Minutes east of UTC; nothing when the text does not end with an offset.
std::optional<int> offset(std::string_view text) {
  if (text == "Z" || text == "z")
    return 0;
  auto west = !text.empty() && text.front() == '-';
  if (!skip(text, "+-"))
    return {};
  auto hours = digits(text, 2);
  if (hours < 0 || hours > 23 || !skip(text, ":"))
    return {};
  auto minutes = digits(text, 2);
  if (minutes < 0 || minutes > 59 || !text.empty())
    return {};
  auto total = hours * 60 + minutes;
  return west ? -total : total;
}

} // namespace

std::optional<timestamp> parse_time(std::string_view text) {
  using namespace std::chrono;
  auto y = digits(text, 4);
  if (y < 1678 || y > 2261 || !skip(text, "-"))
    return {};
  auto mo = digits(text, 2);
  if (mo < 1 || mo > 12 || !skip(text, "-"))
    return {};
  auto d = digits(text, 2);
  auto date = year{y} / month{static_cast<unsigned>(mo)}
              / day{static_cast<unsigned>(d < 0 ? 0 : d)};
  if (!date.ok() || !skip(text, "Tt "))
    return {};
  auto h = digits(text, 2);
  if (h < 0 || h > 23 || !skip(text, ":"))
    return {};
  auto mi = digits(text, 2);
  if (mi < 0 || mi > 59 || !skip(text, ":"))
    return {};
  auto s = digits(text, 2);
  if (s < 0 || s > 60)
    return {};
  std::int64_t nanos = 0;
  if (skip(text, ".") && (nanos = fraction(text)) < 0)
    return {};
  auto east = offset(text);
  if (!east)
    return {};
  return timestamp{sys_days{date} + hours{h} + minutes{mi - *east} + seconds{s}
                   + nanoseconds{nanos}};
}

std::string format_seconds(timestamp time) {
  using namespace std::chrono;
  auto day = floor<days>(time);
  year_month_day date{day};
  hh_mm_ss clock{floor<seconds>(time - day)};
  char text[64];
  std::snprintf(
    text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ",
    static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
    static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
    static_cast<int>(clock.minutes().count()),
    static_cast<int>(clock.seconds().count()));
  return text;
}

std::string format_round_trip(timestamp time) {
  using namespace std::chrono;
  auto rest = time - floor<seconds>(time);
  auto result = format_seconds(time);
  result.pop_back();
  // (as long as the type allows, so that the compiler sees that it fits)
  char fraction[40];
  std::snprintf(
    fraction, sizeof fraction, ".%07lld+00:00",
    static_cast<long long>(duration_cast<nanoseconds>(rest).count() / 100));
  return result + fraction;
}

} // namespace cuttle::kubernetes
