#include "actors/task_intake_impl.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;

// From the end of a pod until the quota controller has counted anew, and for
// ends that come together.
constexpr auto room_pause = 250ms;

} // namespace

void task_intake::push(fair_queue& to, const std::string& key) {
  if (auto i = entries_.find(key); i != entries_.end())
    to.push(i->second.path, key, i->second.order, i->second.urgent);
}

void task_intake::begin_next() {
  auto most = std::min(context_->settings.creations_limit, pace_.window());
  while (!pace_.pausing() && !queue_.empty() && creating_.size() < most) {
    auto key = *queue_.pop();
    auto i = entries_.find(key);
    if (i == entries_.end())
      continue;
    creating_.insert(key);
    self_->send(i->second.actor, begin_creation{});
  }
  count_queued();
}

void task_intake::queue(const std::string& key) {
  // Nobody overtakes those that wait for room in a quota.
  auto behind_quota = !short_.empty();
  push(behind_quota ? short_ : queue_, key);
  begin_next();
  // Why nothing happens yet, for who reads the task log.
  if (behind_quota) {
    if (auto before = short_.before(key))
      say(key, quota_place_text(*before + 1, short_.size()));
  } else if (auto before = queue_.before(key)) {
    say(key, waiting_text(*before + 1, queue_.size(), creating_.size()));
  }
}

void task_intake::on_creation_done(const creation_done& x) {
  auto key = x.ticket.key();
  if (x.created) {
    pace_.created();
    window_.set(pace_.window());
  }
  creating_.erase(key);
  auto probed = key == probing_;
  if (probed && x.created)
    probes_ = 0;
  leave_queues(key);
  // Scripts run side by side: the lock is for the creation only [ISO-02].
  release_lock(key);
  begin_next();
}

void task_intake::leave_queues(const std::string& key) {
  queue_.erase(key);
  short_.erase(key);
  // Where one had room, or gave up, the next one tries.
  if (key == probing_) {
    probing_.clear();
    probe_quota();
  }
}

void task_intake::on_creation_held(const creation_held& x) {
  auto key = x.ticket.key();
  auto i = entries_.find(key);
  if (i == entries_.end())
    return;
  creating_.erase(key);
  if (x.cause == hold_cause::quota) {
    refused_quota_.add();
    push(short_, key);
    if (auto before = short_.before(key); before != i->second.quota_before) {
      i->second.quota_before = before;
      say(key, quota_place_text(*before + 1, short_.size()));
    }
    // Several may be refused at once; one finds out when there is room.
    if (key == probing_) {
      probing_.clear();
      ++probes_;
    }
    if (probing_.empty() && !probe_in_)
      probe_quota_in(quota_pause(probes_));
  } else {
    refused_busy_.add();
    if (auto pause = pace_.refused(x.retry_after); pause > 0ms)
      pause_creations(pause);
    push(queue_, key);
    if (!std::exchange(i->second.told_busy, true))
      if (auto before = queue_.before(key))
        say(key, busy_text(*before + 1, queue_.size(), pace_.window()));
  }
  begin_next();
}

void task_intake::pause_creations(std::chrono::milliseconds time) {
  window_.set(pace_.window());
  telemetry::info("creations-paused",
                  {{"ms", time.count()}, {"at_a_time", pace_.window()}});
  pace_timer_.dispose();
  pace_timer_ = self_->run_delayed(time, [this] {
    pace_.resumed();
    begin_next();
  });
}

void task_intake::probe_quota() {
  if (!probing_.empty())
    return;
  auto key = short_.pop();
  if (!key)
    return;
  probing_ = *key;
  push(queue_, *key);
  begin_next();
}

void task_intake::probe_quota_in(std::chrono::milliseconds time) {
  probe_timer_.dispose();
  probe_in_ = time;
  probe_timer_ = self_->run_delayed(time, [this] {
    probe_in_.reset();
    probe_quota();
  });
}

void task_intake::on_room() {
  if (short_.empty())
    return;
  probes_ = 0;
  if (!probe_in_ || *probe_in_ > room_pause)
    probe_quota_in(room_pause);
}

void task_intake::count_queued() {
  queued_.set(
    static_cast<double>(queue_.size() + short_.size() + locks_.waiting()));
  quota_waiting_.set(static_cast<double>(short_.size()));
}

void task_intake::say(const std::string& key, std::string text) {
  if (auto i = entries_.find(key); i != entries_.end())
    self_->send(i->second.actor, remark{{output_source::debug, context_->now(),
                                         std::move(text)}});
}

} // namespace cuttle
