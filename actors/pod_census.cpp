#include "actors/pod_census.hpp"

#include <utility>

namespace cuttle {

namespace {

telemetry::gauge& gauge_of(telemetry::registry& metrics, const char* state) {
  return metrics.gauge("cuttle_pods",
                       "Script pods that are not over: pending, held_up "
                       "(pending for a cause that the task log names) or "
                       "running.",
                       {{"state", state}});
}

} // namespace

pod_census::pod_census(telemetry::registry& metrics)
  : pending_(gauge_of(metrics, "pending")),
    held_up_(gauge_of(metrics, "held_up")),
    running_(gauge_of(metrics, "running")),
    start_(metrics.histogram("cuttle_pod_start_seconds",
                             "From a pod's creation to its running script.")) {}

pod_census::~pod_census() {
  move_to(nullptr);
}

void pod_census::created(timestamp now) {
  created_ = now;
  if (!present_)
    move_to(&pending_);
}

void pod_census::see(const pod_verdict& verdict, bool gone, timestamp now) {
  if (gone || verdict.container_ended || verdict.phase == pod_phase::succeeded
      || verdict.phase == pod_phase::failed)
    return move_to(nullptr);
  if (verdict.phase == pod_phase::pending)
    return move_to(verdict.cause.empty() ? &pending_ : &held_up_);
  move_to(&running_);
  if (auto since = std::exchange(created_, std::nullopt))
    start_.observe(std::chrono::duration<double>(now - *since).count());
}

void pod_census::move_to(telemetry::gauge* next) {
  if (next == present_)
    return;
  if (present_)
    present_->add(-1);
  present_ = next;
  if (present_)
    present_->add(1);
}

} // namespace cuttle
