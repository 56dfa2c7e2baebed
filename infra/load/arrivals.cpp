#include "infra/load/arrivals.hpp"

#include <algorithm>
#include <cmath>

namespace cuttle::load {

std::optional<arrival_kind> arrival_kind_of(std::string_view name) {
  for (auto kind :
       {arrival_kind::constant, arrival_kind::poisson, arrival_kind::burst})
    if (name == name_of(kind))
      return kind;
  return std::nullopt;
}

std::string_view name_of(arrival_kind kind) {
  switch (kind) {
  case arrival_kind::constant:
    return "constant";
  case arrival_kind::poisson:
    return "poisson";
  case arrival_kind::burst:
    break;
  }
  return "burst";
}

arrival_times::arrival_times(arrival_kind kind, double rate, unsigned burst,
                             std::uint64_t seed)
  : kind_(kind), rate_(rate), burst_(std::max(burst, 1u)), random_(seed) {}

std::chrono::nanoseconds arrival_times::next() {
  auto number = count_++;
  if (rate_ <= 0)
    return std::chrono::nanoseconds{0};
  double seconds = 0;
  switch (kind_) {
  case arrival_kind::constant:
    seconds = static_cast<double>(number) / rate_;
    break;
  case arrival_kind::burst:
    seconds = static_cast<double>(number / burst_ * burst_) / rate_;
    break;
  case arrival_kind::poisson:
    seconds = last_ += std::exponential_distribution<double>{rate_}(random_);
    break;
  }
  return std::chrono::nanoseconds{
    static_cast<std::int64_t>(std::llround(seconds * 1e9))};
}

} // namespace cuttle::load
