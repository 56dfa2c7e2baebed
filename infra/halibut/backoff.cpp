#include "infra/halibut/backoff.hpp"

#include <algorithm>

namespace cuttle::halibut {

std::chrono::milliseconds backoff::pause(time_point now) const {
  using namespace std::chrono;
  if (!since_)
    return min_;
  auto elapsed = duration<double, std::milli>(now - *since_).count() * factor_;
  auto bounded = std::min(elapsed, static_cast<double>(max_.count()));
  return std::max(min_, milliseconds{static_cast<milliseconds::rep>(bounded)});
}

} // namespace cuttle::halibut
