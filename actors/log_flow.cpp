#include "actors/log_flow.hpp"

#include <utility>

namespace cuttle {

log_flow::log_flow(log_budget_ptr budget, std::size_t total)
  : budget_(std::move(budget)), total_(total) {}

log_flow::~log_flow() {
  // What came after the end was not handled any more.
  budget_->drop(waiting_);
}

void log_flow::attach(source from) {
  std::unique_lock lock{mutex_};
  if (cancelled_) {
    lock.unlock();
    from.cancel();
    return;
  }
  from_ = std::move(from);
  paused_ = false;
  lock.unlock();
  adjust();
}

void log_flow::arrived(std::size_t bytes) {
  budget_->add(bytes);
  waiting_ += bytes;
  adjust();
}

void log_flow::handled(std::size_t bytes, bool room) {
  budget_->drop(bytes);
  waiting_ -= bytes;
  room_ = room;
  adjust();
}

void log_flow::set_room(bool room) {
  room_ = room;
  adjust();
}

void log_flow::cancel() {
  std::lock_guard lock{mutex_};
  if (std::exchange(cancelled_, true))
    return;
  if (from_.cancel)
    from_.cancel();
}

void log_flow::adjust() {
  std::lock_guard lock{mutex_};
  if (!from_.set_flowing || cancelled_)
    return;
  auto waiting = waiting_.load();
  auto high = budget_->flow_bytes(total_);
  if (!paused_ && (waiting >= high || !room_)) {
    paused_ = true;
    from_.set_flowing(false);
  } else if (paused_ && room_ && waiting <= high / 4) {
    paused_ = false;
    from_.set_flowing(true);
  }
}

} // namespace cuttle
