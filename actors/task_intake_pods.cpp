#include "actors/task_intake_impl.hpp"

namespace cuttle {

namespace {

// How often the tree of one ticket is rebuilt before its script is given up.
constexpr unsigned most_rebuilds = 3;

} // namespace

void task_intake::begin_next() {
  while (!queue_.empty()
         && creating_.size() < context_->settings.creations_limit) {
    auto key = *queue_.pop();
    auto i = entries_.find(key);
    if (i == entries_.end())
      continue;
    creating_.insert(key);
    self_->send(i->second.actor, begin_creation{});
  }
  queued_.set(static_cast<double>(queue_.size() + locks_.waiting()));
}

void task_intake::queue(const std::string& key) {
  auto i = entries_.find(key);
  if (i == entries_.end())
    return;
  queue_.push(i->second.path, key);
  begin_next();
  // Why nothing happens yet, for who reads the task log.
  if (auto before = queue_.before(key))
    self_->send(i->second.actor,
                remark{{output_source::debug, context_->now(),
                        waiting_text(*before + 1, queue_.size(),
                                     creating_.size())}});
}

void task_intake::on_creation_done(const script_ticket& ticket) {
  creating_.erase(ticket.key());
  // Scripts run side by side: the lock is for the creation only [ISO-02].
  release_lock(ticket.key());
  begin_next();
}

void task_intake::on_pods(const pods_listed& x) {
  std::set<std::string> listed;
  for (auto& pod : x.pods) {
    listed.insert(pod.ticket.key());
    on_pod(pod);
  }
  // Also pods that were created and never seen since [MON-05].
  for (auto& [key, e] : entries_)
    if (!listed.contains(key))
      self_->send(e.actor, pod_missing{});
  if (!std::exchange(loaded_, true))
    telemetry::info("pods-loaded", {{"pods", x.pods.size()}});
  self_->send(
    health_,
    component_report{"pods", true, std::to_string(x.pods.size()) + " pods"});
}

void task_intake::on_pod(const pod_snapshot& pod) {
  if (auto* e = find(pod.ticket)) {
    keep_pod(*e, pod);
    self_->send(e->actor, pod_changed{pod});
    return;
  }
  if (pod.deleting || !pod.ticket.valid())
    return;
  if (dead_.find(pod.ticket, context_->now()))
    return remove_stray(pod);
  telemetry::info("operation-adopted",
                  {{"ticket", pod.ticket.task_id}, {"pod", pod.name}});
  auto& e = make(pod.ticket, {pod.ticket, nullptr, pod, version_, {}});
  keep_pod(e, pod);
  e.answered = true;
}

void task_intake::keep_pod(entry& e, const pod_snapshot& pod) {
  e.pod = pod;
  auto verdict = kubernetes::judge(pod);
  auto failed = verdict.phase == pod_phase::failed && !verdict.container_ended;
  if (!failed)
    e.failed_at.reset();
  else if (!e.failed_at)
    e.failed_at = context_->now();
}

void task_intake::remove_stray(const pod_snapshot& pod) {
  if (context_->settings.disable_pod_cleanup)
    return;
  telemetry::info("stray-pod-removed", {{"pod", pod.name}});
  context_->cluster.delete_pod(
    pod.name, pod.uid, std::chrono::seconds{0},
    [name = pod.name](outcome<void> result) {
      if (!result)
        telemetry::warn("pod-not-removed",
                        {{"pod", name}, {"reason", result.error().text}});
    });
}

void task_intake::on_pod_deleted(const pod_deleted& x) {
  if (auto* e = find(x.pod.ticket)) {
    e->pod = x.pod;
    e->pod->deleting = true;
    self_->send(e->actor, x);
  }
}

void task_intake::on_event(const pod_event_seen& x) {
  auto i = by_pod_.find(x.event.pod_name);
  if (i == by_pod_.end())
    return;
  if (auto e = entries_.find(i->second); e != entries_.end())
    self_->send(e->second.actor, x);
}

task_intake::entry* task_intake::find(const script_ticket& ticket) {
  auto i = entries_.find(ticket.key());
  return i == entries_.end() ? nullptr : &i->second;
}

task_intake::entry& task_intake::make(const script_ticket& ticket,
                                      operation_plan plan) {
  auto key = ticket.key();
  auto& e = entries_[key];
  e.ticket = ticket;
  e.actor = spawn_operation(*self_, context_, task_intake_actor{self_},
                            std::move(plan));
  by_pod_[kubernetes::script_pod_name(ticket)] = key;
  in_flight_.set(static_cast<double>(entries_.size()));
  return e;
}

void task_intake::erase(entries::iterator i) {
  by_pod_.erase(kubernetes::script_pod_name(i->second.ticket));
  creating_.erase(i->first);
  // What takes the ticket's place later queues for itself.
  queue_.erase(i->first);
  release_lock(i->first);
  entries_.erase(i);
  in_flight_.set(static_cast<double>(entries_.size()));
  begin_next();
}

void task_intake::bury(const script_ticket& ticket, std::int32_t code,
                       std::vector<output_line> lines) {
  dead_.add(ticket, {code, std::move(lines),
                     context_->now() + context_->patience.tombstone});
}

void task_intake::on_exit(caf::exit_msg& msg) {
  for (auto i = entries_.begin(); i != entries_.end(); ++i) {
    if (i->second.actor != msg.source)
      continue;
    if (msg.reason == caf::exit_reason::user_shutdown)
      return erase(i);
    return on_broken(i, to_failure(msg.reason));
  }
  // An operation that failed to start was forgotten before it ended.
  if (leaving_.erase(msg.source) > 0)
    return;
  self_->quit(std::move(msg.reason));
}

void task_intake::on_broken(entries::iterator i, const failure& reason) {
  auto e = std::move(i->second);
  auto rebuilds = e.rebuilds + 1;
  broken_.add();
  telemetry::error("operation-broke", {{"ticket", e.ticket.task_id},
                                       {"reason", reason.text},
                                       {"rebuilds", rebuilds}});
  erase(i);
  if (e.pod && !e.pod->deleting && rebuilds <= most_rebuilds) {
    auto& next
      = make(e.ticket, {e.ticket, nullptr, e.pod, version_,
                        "The worker lost its view of this script ("
                          + reason.text + ") and rebuilt it from its pod."});
    next.pod = std::move(e.pod);
    next.rebuilds = rebuilds;
    next.answered = true;
    return;
  }
  // Without an answer the server repeats its StartScript, and finds the pod
  // if there is one.
  if (!e.answered && !e.pod)
    return;
  if (e.pod)
    remove_stray(*e.pod);
  bury(e.ticket, exit_fatal,
       {{output_source::err, context_->now(),
         "The worker could not go on with this script because of an internal "
         "error: "
           + reason.text + " Its pod was deleted."}});
}

intake_summary task_intake::summary() const {
  intake_summary result;
  for (auto& [key, e] : entries_) {
    operation_summary s;
    s.ticket = e.ticket;
    if (e.pod) {
      auto verdict = kubernetes::judge(*e.pod);
      s.task_id = e.pod->task_id;
      s.phase = verdict.phase;
      s.created_at = e.pod->created_at;
      // A pod that failed before its script has no time of its end.
      s.finished_at
        = verdict.container_ended ? verdict.finished_at : e.failed_at;
    }
    result.operations.push_back(std::move(s));
  }
  result.queued = queue_.size() + locks_.waiting();
  result.loaded = loaded_;
  result.draining = draining_;
  return result;
}

} // namespace cuttle
