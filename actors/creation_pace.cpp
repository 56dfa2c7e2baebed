#include "actors/creation_pace.hpp"

#include <algorithm>
#include <iterator>

namespace cuttle {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds refusal_steps[]
  = {milliseconds{500},   milliseconds{1'000}, milliseconds{2'000},
     milliseconds{4'000}, milliseconds{8'000}, milliseconds{15'000},
     milliseconds{30'000}};

constexpr milliseconds quota_steps[]
  = {milliseconds{1'000}, milliseconds{2'000},  milliseconds{4'000},
     milliseconds{8'000}, milliseconds{15'000}, milliseconds{30'000}};

} // namespace

creation_pace::creation_pace(unsigned most)
  : most_(std::max(most, 1u)), window_(most_) {}

unsigned creation_pace::window() const {
  return static_cast<unsigned>(window_);
}

void creation_pace::created() {
  pauses_ = 0;
  window_ = std::min(most_, window_ + 1 / window_);
}

milliseconds creation_pace::refused(milliseconds retry_after) {
  if (pausing_)
    return milliseconds{0};
  pausing_ = true;
  window_ = std::max(1.0, window_ / 2);
  auto row = std::min<std::size_t>(pauses_, std::size(refusal_steps) - 1);
  ++pauses_;
  return std::min(longest_pause, std::max(retry_after, refusal_steps[row]));
}

void creation_pace::resumed() {
  pausing_ = false;
}

milliseconds quota_pause(unsigned tries) {
  return quota_steps[std::min<std::size_t>(tries, std::size(quota_steps) - 1)];
}

} // namespace cuttle
