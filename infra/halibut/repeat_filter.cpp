#include "infra/halibut/repeat_filter.hpp"

#include <utility>

namespace cuttle::halibut {

std::optional<std::uint64_t> repeat_filter::admit(const std::string& text,
                                                  time_point now) {
  std::erase_if(told_, [&](auto& x) { return now - x.second >= period; });
  if (told_.contains(text) || told_.size() >= budget) {
    ++kept_back_;
    return std::nullopt;
  }
  told_.emplace(text, now);
  return std::exchange(kept_back_, 0);
}

} // namespace cuttle::halibut
