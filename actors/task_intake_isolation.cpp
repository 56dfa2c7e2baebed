#include <algorithm>

#include "actors/task_intake_impl.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;

// A lock that is free within this time is not worth a line [ISO-03].
constexpr auto first_busy_line = 100ms;
constexpr auto next_busy_line = 10min;
// The longest wait that the stock worker knows, some 24.8 days.
constexpr std::chrono::milliseconds longest_wait{0x7FFF'FFFF};

} // namespace

void task_intake::isolate(const start_script& x) {
  auto key = x.ticket.key();
  isolation_locks::claim claim{key, x.task_id, x.isolation,
                               x.isolation_mutex_name};
  if (claim.mutex.empty())
    claim.mutex = isolation_locks::default_mutex;
  say_marked(key, "##octopus[stdout-verbose]", acquiring_text(claim));
  if (locks_.take(std::move(claim))) {
    return queue(key);
  }
  auto& timers = lock_timers_[key];
  timers.busy = self_->run_delayed(first_busy_line, [this, key] { busy(key); });
  // Zero is no limit.
  if (x.isolation_timeout > 0ms) {
    auto limit = std::min(x.isolation_timeout, longest_wait);
    timers.limit = self_->run_delayed(
      limit, [this, key, limit] { lock_timed_out(key, limit); });
  }
  count_queued();
}

void task_intake::busy(const std::string& key) {
  auto text = locks_.busy_text(key);
  if (text.empty())
    return;
  say_marked(key, "##octopus[stdout-wait]", std::move(text));
  lock_timers_[key].busy
    = self_->run_delayed(next_busy_line, [this, key] { busy(key); });
}

void task_intake::lock_timed_out(const std::string& key,
                                 std::chrono::milliseconds limit) {
  auto i = entries_.find(key);
  if (i == entries_.end() || !locks_.waits(key))
    return;
  failure reason{errc::deadline_exceeded, locks_.timed_out_text(key, limit)};
  release_lock(key);
  self_->send(i->second.actor, pod_created{std::move(reason), {}});
  begin_next();
}

void task_intake::leave_lock_queue(const std::string& key) {
  auto i = entries_.find(key);
  if (i == entries_.end() || !locks_.waits(key))
    return;
  // As urgent as the cancellation, and before it.
  self_->send<caf::message_priority::high>(
    i->second.actor,
    remark{{output_source::err, context_->now(), locks_.cancelled_text(key)}});
  release_lock(key);
  begin_next();
}

void task_intake::release_lock(const std::string& key) {
  if (auto i = lock_timers_.find(key); i != lock_timers_.end()) {
    i->second.dispose();
    lock_timers_.erase(i);
  }
  for (auto& next : locks_.release(key)) {
    if (auto i = lock_timers_.find(next); i != lock_timers_.end()) {
      i->second.dispose();
      lock_timers_.erase(i);
    }
    push(short_.empty() ? queue_ : short_, next);
  }
}

void task_intake::say_marked(const std::string& key, const char* marker,
                             std::string text) {
  auto i = entries_.find(key);
  if (i == entries_.end())
    return;
  for (auto& line :
       {std::string{marker}, text, std::string{"##octopus[stdout-default]"}})
    self_->send(i->second.actor,
                remark{{output_source::out, context_->now(), line}});
}

} // namespace cuttle
