#include "infra/podlog/frame.hpp"

namespace cuttle::podlog {

namespace {

// Reads fixed-width fields from the front of a text; `good` turns false at the
// first thing that does not fit.
struct scanner {
  std::string_view rest;
  bool good = true;

  bool at(char c) const {
    return !rest.empty() && rest.front() == c;
  }

  int digits(std::size_t count) {
    int result = 0;
    for (; count > 0; --count) {
      if (rest.empty() || rest.front() < '0' || rest.front() > '9') {
        good = false;
        return 0;
      }
      result = 10 * result + (rest.front() - '0');
      rest.remove_prefix(1);
    }
    return result;
  }

  bool skip(char c) {
    if (!at(c))
      return false;
    rest.remove_prefix(1);
    return true;
  }

  void need(char c) {
    if (!skip(c))
      good = false;
  }

  // Digits after the point, as nanoseconds; those after the ninth are dropped.
  std::int64_t fraction() {
    std::int64_t result = 0;
    int count = 0;
    while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9') {
      if (count < 9)
        result = 10 * result + (rest.front() - '0');
      ++count;
      rest.remove_prefix(1);
    }
    if (count == 0)
      good = false;
    for (; count < 9; ++count)
      result *= 10;
    return result;
  }

  // `Z` or `+hh:mm`.
  std::chrono::minutes offset() {
    if (skip('Z') || skip('z'))
      return std::chrono::minutes{0};
    auto negative = at('-');
    if (!skip('+') && !skip('-'))
      good = false;
    auto hours = digits(2);
    need(':');
    auto minutes = digits(2);
    if (hours > 23 || minutes > 59)
      good = false;
    std::chrono::minutes result{60 * hours + minutes};
    return negative ? -result : result;
  }
};

} // namespace

std::optional<timestamp> parse_time(std::string_view text) {
  using namespace std::chrono;
  scanner in{text};
  year_month_day date{};
  auto y = in.digits(4);
  in.need('-');
  auto m = in.digits(2);
  in.need('-');
  auto d = in.digits(2);
  if (!in.skip('T') && !in.skip('t'))
    return std::nullopt;
  date = year{y} / m / d;
  auto hh = in.digits(2);
  in.need(':');
  auto mm = in.digits(2);
  in.need(':');
  auto ss = in.digits(2);
  std::int64_t nanos = 0;
  if (in.skip('.'))
    nanos = in.fraction();
  auto offset = in.offset();
  if (!in.good || !in.rest.empty() || !date.ok() || y < 1678 || y > 2261
      || hh > 23 || mm > 59 || ss > 60)
    return std::nullopt;
  return sys_days{date} + hours{hh} + minutes{mm} + seconds{ss} - offset
         + nanoseconds{nanos};
}

} // namespace cuttle::podlog
