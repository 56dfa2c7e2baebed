#include "infra/tentacle/time_text.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>

namespace cuttle::tentacle {

namespace {

constexpr std::int64_t ticks_per_second = 10'000'000;
constexpr std::int64_t ticks_per_day = 86'400 * ticks_per_second;
constexpr std::size_t fraction_digits = 7;

// Eats a text from the left.
class scanner {
public:
  explicit scanner(std::string_view text) : rest_(text) {}

  bool done() const {
    return rest_.empty();
  }

  bool eat(char c) {
    if (rest_.empty() || rest_.front() != c)
      return false;
    rest_.remove_prefix(1);
    return true;
  }

  // A number of `min` to `max` digits.
  std::optional<std::int64_t> number(std::size_t min, std::size_t max) {
    std::int64_t result = 0;
    std::size_t count = 0;
    while (count < max && count < rest_.size() && digit(rest_[count]))
      result = 10 * result + (rest_[count++] - '0');
    if (count < min)
      return std::nullopt;
    rest_.remove_prefix(count);
    return result;
  }

  // Digits after a decimal point, scaled to seven; more are cut off.
  std::optional<std::int64_t> fraction(std::size_t max) {
    std::int64_t result = 0;
    std::size_t count = 0;
    for (; count < max && count < rest_.size() && digit(rest_[count]); ++count)
      if (count < fraction_digits)
        result = 10 * result + (rest_[count] - '0');
    if (count == 0)
      return std::nullopt;
    for (auto i = count; i < fraction_digits; ++i)
      result *= 10;
    rest_.remove_prefix(count);
    return result;
  }

  // Whether a dot comes before the first colon: there are days.
  bool has_days() const {
    auto dot = rest_.find('.');
    return dot != std::string_view::npos && dot < rest_.find(':');
  }

private:
  static bool digit(char c) {
    return c >= '0' && c <= '9';
  }

  std::string_view rest_;
};

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

// `hh:mm:ss[.f…]` in ticks.
std::optional<std::int64_t> clock_time(scanner& in, std::size_t min_digits,
                                       std::size_t max_fraction) {
  auto hours = in.number(min_digits, 2);
  if (!hours || *hours > 23 || !in.eat(':'))
    return std::nullopt;
  auto minutes = in.number(min_digits, 2);
  if (!minutes || *minutes > 59 || !in.eat(':'))
    return std::nullopt;
  auto seconds = in.number(min_digits, 2);
  if (!seconds || *seconds > 59)
    return std::nullopt;
  std::int64_t fraction = 0;
  if (in.eat('.')) {
    auto part = in.fraction(max_fraction);
    if (!part)
      return std::nullopt;
    fraction = *part;
  }
  return ((*hours * 60 + *minutes) * 60 + *seconds) * ticks_per_second
         + fraction;
}

// The offset from UTC at the end of a date.
std::optional<std::chrono::minutes> offset(scanner& in) {
  if (in.done() || in.eat('Z'))
    return std::chrono::minutes{0};
  auto negative = in.eat('-');
  if (!negative && !in.eat('+'))
    return std::nullopt;
  auto hours = in.number(2, 2);
  if (!hours || !in.eat(':'))
    return std::nullopt;
  auto minutes = in.number(2, 2);
  if (!minutes || *hours > 14 || *minutes > 59)
    return std::nullopt;
  std::chrono::minutes result{*hours * 60 + *minutes};
  return negative ? -result : result;
}

} // namespace

std::optional<ticks> parse_time_span(std::string_view text) {
  scanner in{trim(text)};
  auto negative = in.eat('-');
  std::int64_t days = 0;
  if (in.has_days()) {
    auto part = in.number(1, 8);
    if (!part || !in.eat('.'))
      return std::nullopt;
    days = *part;
  }
  auto time = clock_time(in, 1, fraction_digits);
  // The largest TimeSpan is 10675199.02:48:05.4775807, the smallest one tick
  // further from zero; that one is not worth a case.
  if (!time || !in.done()
      || days
           > (std::numeric_limits<std::int64_t>::max() - *time) / ticks_per_day)
    return std::nullopt;
  auto result = days * ticks_per_day + *time;
  return ticks{negative ? -result : result};
}

std::string to_time_span(ticks value) {
  auto negative = value.count() < 0;
  auto rest = negative ? -static_cast<std::uint64_t>(value.count())
                       : static_cast<std::uint64_t>(value.count());
  auto take = [&rest](std::uint64_t unit) {
    auto result = rest % unit;
    rest /= unit;
    return result;
  };
  auto fraction = take(ticks_per_second);
  auto seconds = take(60);
  auto minutes = take(60);
  auto hours = take(24);
  char buffer[64];
  std::string result = negative ? "-" : "";
  if (rest > 0)
    result += std::to_string(rest) + ".";
  std::snprintf(buffer, sizeof(buffer), "%02u:%02u:%02u",
                static_cast<unsigned>(hours), static_cast<unsigned>(minutes),
                static_cast<unsigned>(seconds));
  result += buffer;
  if (fraction > 0) {
    std::snprintf(buffer, sizeof(buffer), ".%07u",
                  static_cast<unsigned>(fraction));
    result += buffer;
  }
  return result;
}

std::optional<timestamp> parse_iso_time(std::string_view text) {
  using namespace std::chrono;
  scanner in{trim(text)};
  auto y = in.number(4, 4);
  if (!y || !in.eat('-'))
    return std::nullopt;
  auto m = in.number(2, 2);
  if (!m || !in.eat('-'))
    return std::nullopt;
  auto d = in.number(2, 2);
  if (!d || (!in.eat('T') && !in.eat(' ')))
    return std::nullopt;
  year_month_day date{year{static_cast<int>(*y)},
                      month{static_cast<unsigned>(*m)},
                      day{static_cast<unsigned>(*d)}};
  auto time = clock_time(in, 2, 9);
  // The clock counts nanoseconds in 64 bits and ends in 2262.
  if (!date.ok() || !time || *y < 1678 || *y > 2261)
    return std::nullopt;
  auto shift = offset(in);
  if (!shift || !in.done())
    return std::nullopt;
  return timestamp{sys_days{date}} + ticks{*time} - *shift;
}

std::int64_t to_bson_date(timestamp time) {
  return std::chrono::floor<std::chrono::milliseconds>(time)
    .time_since_epoch()
    .count();
}

timestamp from_bson_date(std::int64_t milliseconds) {
  using namespace std::chrono;
  constexpr auto low
    = ceil<std::chrono::milliseconds>(timestamp::min().time_since_epoch());
  constexpr auto high
    = floor<std::chrono::milliseconds>(timestamp::max().time_since_epoch());
  return timestamp{std::chrono::milliseconds{
    std::clamp<std::int64_t>(milliseconds, low.count(), high.count())}};
}

} // namespace cuttle::tentacle
