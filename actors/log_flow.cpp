#include "actors/log_flow.hpp"

#include <utility>

namespace cuttle {

void log_flow::open(const std::shared_ptr<log_flow>& flow,
                    kubernetes::log_query query) {
  kubernetes::log_callbacks callbacks;
  callbacks.on_data = [flow](std::string_view data) {
    flow->waiting_ += data.size();
    if (!flow->owner_.post(log_data{flow->number_, std::string{data}}))
      flow->cancel();
    else
      flow->adjust();
  };
  callbacks.on_end = [flow](const failure& reason) {
    flow->owner_.post(log_closed{flow->number_, reason});
  };
  auto call = flow->cluster_.follow_log(std::move(query), std::move(callbacks));
  std::unique_lock lock{flow->mutex_};
  flow->call_ = call;
  if (flow->cancelled_) {
    lock.unlock();
    flow->cluster_.cancel(call);
    return;
  }
  lock.unlock();
  flow->adjust();
}

void log_flow::handled(std::size_t bytes, bool room) {
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
  if (cancelled_)
    return;
  cancelled_ = true;
  if (call_ != 0)
    cluster_.cancel(call_);
}

void log_flow::adjust() {
  std::lock_guard lock{mutex_};
  if (call_ == 0 || cancelled_)
    return;
  auto waiting = waiting_.load();
  if (!paused_ && (waiting >= high_bytes || !room_)) {
    paused_ = true;
    cluster_.pause(call_);
  } else if (paused_ && room_ && waiting <= low_bytes) {
    paused_ = false;
    cluster_.resume(call_);
  }
}

} // namespace cuttle
