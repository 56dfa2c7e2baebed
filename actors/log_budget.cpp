#include "actors/log_budget.hpp"

#include <algorithm>
#include <utility>

namespace cuttle {

namespace {

// What a source may have on its way while there is much room.
constexpr std::size_t largest_flow = 256 * 1024;

} // namespace

std::size_t log_budget::flow_bytes(std::size_t total) const {
  auto shares = std::max<std::size_t>(shares_, 1);
  return std::clamp<std::size_t>(total / 4 / shares, 1, largest_flow);
}

log_budget::share::share(log_budget_ptr budget, std::size_t window,
                         std::size_t total)
  : budget_(std::move(budget)), window_(window), total_(total) {
  ++budget_->shares_;
}

log_budget::share::~share() {
  release(held_);
  set_partial(0);
  if (refused_)
    --budget_->refused_;
  --budget_->shares_;
}

bool log_budget::share::room() {
  auto refused = !may_hold_more();
  if (refused != std::exchange(refused_, refused))
    budget_->refused_ += refused ? 1 : -1;
  return !refused;
}

bool log_budget::share::may_hold_more() const {
  if (held_ == 0)
    return true;
  if (held_ >= window_)
    return false;
  if (!budget_->crowded(total_))
    return true;
  auto busy = std::max<std::size_t>(budget_->busy_, 1);
  return budget_->used() < total_ && held_ < total_ / busy;
}

void log_budget::share::hold(std::size_t bytes) {
  if (held_ == 0 && bytes > 0)
    ++budget_->busy_;
  held_ += bytes;
  budget_->add(bytes);
}

void log_budget::share::release(std::size_t bytes) {
  bytes = std::min(bytes, held_);
  if (bytes == 0)
    return;
  held_ -= bytes;
  if (held_ == 0)
    --budget_->busy_;
  budget_->drop(bytes);
}

void log_budget::share::set_partial(std::size_t bytes) {
  budget_->add(bytes);
  budget_->drop(std::exchange(partial_, bytes));
}

} // namespace cuttle
