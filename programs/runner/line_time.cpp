#include "programs/runner/line_time.hpp"

#include <ctime>

namespace cuttle::runner {

namespace {

constexpr std::int64_t nanos_per_second = 1'000'000'000;
constexpr std::size_t fraction_at = 20;
constexpr std::size_t size = 30;

} // namespace

std::string_view line_time::now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return format(std::int64_t{time.tv_sec} * nanos_per_second + time.tv_nsec);
}

std::string_view line_time::format(std::int64_t nanoseconds) {
  auto second = nanoseconds / nanos_per_second;
  auto rest = nanoseconds % nanos_per_second;
  if (second != second_) {
    // Most lines come in the same second as the one before.
    std::time_t time = second;
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    std::strftime(text_.data(), text_.size(), "%Y-%m-%dT%H:%M:%S.", &parts);
    second_ = second;
  }
  for (auto i = fraction_at + 9; i > fraction_at; --i) {
    text_[i - 1] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  }
  text_[size - 1] = 'Z';
  return {text_.data(), size};
}

} // namespace cuttle::runner
