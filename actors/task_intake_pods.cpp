#include "actors/discard_workspace.hpp"
#include "actors/task_intake_impl.hpp"

namespace cuttle {

namespace {

// How often the tree of one ticket is rebuilt before its script is given up.
constexpr unsigned most_rebuilds = 3;

} // namespace

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
  if (!std::exchange(loaded_, true)) {
    telemetry::info("pods-loaded", {{"pods", x.pods.size()}});
    admit_next();
  }
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
  if (pod.deleting)
    return clear_stray(pod);
  if (!pod.ticket.valid())
    return;
  if (dead_.find(pod.ticket, context_->now()))
    return suspect_stray(pod);
  telemetry::info("operation-adopted",
                  {{"ticket", pod.ticket.task_id}, {"pod", pod.name}});
  operation_plan plan{pod.ticket, nullptr, pod, version_, {}};
  // Of a process that ended just after it had created the pod.
  auto* guest = room_.find(pod.ticket.key());
  if (guest || !requests_known_)
    plan.request = request_state::maybe;
  auto& e = make(pod.ticket, std::move(plan));
  keep_pod(e, pod);
  e.answered = true;
  if (guest) {
    auto calls = take_calls(pod.ticket.key());
    room_.erase(pod.ticket.key());
    count_guests();
    drop_request(pod.ticket);
    for (auto& reply : calls.starts)
      self_->request(e.actor, caf::infinite, get_status{pod.ticket, 0})
        .then(
          [reply](script_status& status) mutable {
            reply.deliver(std::move(status));
          },
          [reply](const caf::error& error) mutable { reply.deliver(error); });
  }
}

void task_intake::keep_pod(entry& e, const pod_snapshot& pod) {
  e.pod = pod;
  auto verdict = kubernetes::judge(pod);
  auto failed = verdict.phase == pod_phase::failed && !verdict.container_ended;
  if (verdict.container_ended || failed)
    on_room();
  if (!failed)
    e.failed_at.reset();
  else if (!e.failed_at)
    e.failed_at = context_->now();
}

void task_intake::suspect_stray(const pod_snapshot& pod) {
  auto& timer = strays_[pod.uid];
  if (timer.valid())
    return;
  timer = self_->run_delayed(context_->patience.stray, [this, pod] {
    strays_.erase(pod.uid);
    remove_stray(pod);
  });
}

void task_intake::clear_stray(const pod_snapshot& pod) {
  if (auto i = strays_.find(pod.uid); i != strays_.end()) {
    i->second.dispose();
    strays_.erase(i);
  }
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
  on_room();
  clear_stray(x.pod);
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
  count_operations();
  return e;
}

void task_intake::erase(entries::iterator i) {
  by_pod_.erase(kubernetes::script_pod_name(i->second.ticket));
  creating_.erase(i->first);
  // What takes the ticket's place later queues for itself.
  leave_queues(i->first);
  release_lock(i->first);
  entries_.erase(i);
  count_operations();
  begin_next();
  admit_next();
}

void task_intake::count_operations() {
  in_flight_.set(static_cast<double>(entries_.size()));
  quiet_timer_.dispose();
  if (entries_.empty() && context_->on_quiet)
    quiet_timer_ = self_->run_delayed(context_->patience.quiet,
                                      [this] { context_->on_quiet(); });
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
  auto e = i->second;
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
  // Its request is on the volume, and takes another turn.
  if (e.kept && !e.pod && rebuilds <= most_rebuilds) {
    waiting_room::guest again{e.ticket};
    again.path = e.path;
    again.urgent = e.urgent;
    again.since = again.asked = context_->now();
    again.rebuilds = rebuilds;
    room_.add(std::move(again));
    room_.wait(e.ticket.key());
    return admit_next();
  }
  // Without an answer the server repeats its StartScript, and finds the pod
  // if there is one.
  if (!e.answered && !e.pod)
    return;
  if (e.pod)
    remove_stray(*e.pod);
  else
    discard_workspace(context_->store, e.ticket);
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
  for (auto& [key, guest] : room_.guests()) {
    operation_summary s;
    s.ticket = guest.ticket;
    result.operations.push_back(std::move(s));
  }
  result.queued = queue_.size() + short_.size() + locks_.waiting();
  result.waiting = room_.size();
  result.loaded = loaded_;
  result.draining = draining_;
  return result;
}

} // namespace cuttle
