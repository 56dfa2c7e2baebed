#include "actors/task_intake.hpp"

#include "actors/discard_workspace.hpp"
#include "actors/task_intake_impl.hpp"

namespace cuttle {

namespace {

telemetry::counter& refusals(telemetry::registry& metrics, const char* cause) {
  return metrics.counter("cuttle_creations_refused_total",
                         "Pods that the API server did not take, and that "
                         "were tried again later.",
                         {{"cause", cause}});
}

} // namespace

task_intake::task_intake(task_intake_actor::pointer self, context_ptr context,
                         health_actor health)
  : self_(self), context_(std::move(context)), health_(std::move(health)),
    in_flight_(context_->metrics.gauge("cuttle_operations",
                                       "Operations not completed yet.")),
    queued_(context_->metrics.gauge(
      "cuttle_operations_queued", "Operations that wait for a creation slot.")),
    started_(context_->metrics.counter("cuttle_operations_started_total",
                                       "Scripts taken from the server.")),
    broken_(context_->metrics.counter(
      "cuttle_operations_broken_total",
      "Operation trees that ended by an internal error.")),
    guests_(context_->metrics.gauge(
      "cuttle_queue_length",
      "Scripts beyond the limit of operations, which wait on the volume.")),
    longest_wait_(context_->metrics.gauge(
      "cuttle_queue_longest_wait_seconds",
      "How long the first of these scripts has waited.")),
    window_(context_->metrics.gauge(
      "cuttle_creations_window",
      "Pods that may be in creation at a time, by what the API server "
      "takes.")),
    quota_waiting_(context_->metrics.gauge(
      "cuttle_quota_waiting",
      "Operations that wait for room in a resource quota.")),
    refused_busy_(refusals(context_->metrics, "busy")),
    refused_quota_(refusals(context_->metrics, "quota")),
    pace_(context_->settings.creations_limit), seal_(context_->request_key()) {
  window_.set(pace_.window());
  install_handlers(self_);
  self_->set_exit_handler([this](caf::exit_msg& msg) { on_exit(msg); });
}

task_intake::~task_intake() {
  for (auto* timer : {&pace_timer_, &probe_timer_, &requests_timer_,
                      &admit_timer_, &quiet_timer_})
    timer->dispose();
  for (auto& [key, calls] : calls_)
    calls.timer.dispose();
  for (auto& [key, timers] : lock_timers_)
    timers.dispose();
  for (auto& [uid, timer] : strays_)
    timer.dispose();
}

task_intake_actor::behavior_type task_intake::make_behavior() {
  list_requests();
  count_operations();
  return {
    [this](const start_script& x) { return start(x); },
    [this](const get_status& x) { return status(x); },
    [this](const cancel_script& x) { return cancel(x); },
    [this](const complete_script& x) { return complete(x); },
    [this](const pods_listed& x) { on_pods(x); },
    [this](const pod_changed& x) { on_pod(x.pod); },
    [this](const pod_deleted& x) { on_pod_deleted(x); },
    [this](const pod_event_seen& x) { on_event(x); },
    [this](const version_known& x) {
      version_ = kubernetes::cluster_version{x.major, x.minor, {}};
    },
    [this](const creation_done& x) { on_creation_done(x); },
    [this](const creation_held& x) { on_creation_held(x); },
    [this](const requests_listed& x) { on_requests(x); },
    [this](const request_kept& x) { on_kept(x); },
    [this](const request_loaded& x) { on_loaded(x); },
    [this](const request_dropped& x) { on_dropped(x); },
    [this](const operation_completed& x) { bury(x.ticket, x.exit_code, {}); },
    [this](const collect_orphan& x) { route(x); },
    [this](const expire_pending& x) { route(x); },
    [this](summary_atom) { return summary(); },
    [this](drain_atom) { draining_ = true; },
  };
}

caf::result<script_status> task_intake::start(const start_script& x) {
  context_->step("task_intake.start_script", x.ticket);
  if (!x.ticket.valid())
    return to_error({errc::invalid_request,
                     "The script ticket is not 1 to 100 letters, digits, "
                     "'_', '.' or '-'."});
  if (auto i = entries_.find(x.ticket.key()); i != entries_.end())
    return self_->delegate(i->second.actor, get_status{x.ticket, 0});
  if (auto* guest = room_.find(x.ticket.key()))
    return start_again(*guest);
  if (auto* stone = dead_.find(x.ticket, context_->now()))
    return ended(x.ticket, 0, *stone);
  if (!known())
    return not_loaded();
  if (draining_)
    return to_error({errc::shutting_down,
                     "The worker is about to stop and takes no new "
                     "operation; its successor will."});
  if (full(is_urgent(x)))
    return wait_outside(x);
  started_.add();
  auto reply = self_->make_response_promise<script_status>();
  auto command = std::make_shared<start_script>(x);
  auto& made
    = run(x.ticket, {x.ticket, std::move(command), std::nullopt, version_, {}});
  self_->request(made.actor, caf::infinite, start_atom_v)
    .then(
      [this, reply, ticket = x.ticket](script_status& status) mutable {
        if (auto* known = find(ticket))
          known->answered = true;
        reply.deliver(std::move(status));
      },
      [this, reply, ticket = x.ticket](const caf::error& e) mutable {
        on_start_failed(ticket, e);
        reply.deliver(e);
      });
  isolate(x);
  return reply;
}

task_intake::entry& task_intake::run(const script_ticket& ticket,
                                     operation_plan plan) {
  auto path = path_of(*plan.command);
  auto urgent = is_urgent(*plan.command);
  auto& made = make(ticket, std::move(plan));
  made.path = std::move(path);
  made.urgent = urgent;
  made.order = ++orders_;
  return made;
}

void task_intake::on_start_failed(const script_ticket& ticket,
                                  const caf::error& reason) {
  if (reason.category() != caf::type_id_v<errc> || reason == errc::internal)
    return;
  if (auto i = entries_.find(ticket.key()); i != entries_.end()) {
    auto actor = i->second.actor;
    leaving_.insert(actor->address());
    erase(i);
    self_->send_exit(actor, caf::exit_reason::user_shutdown);
  }
}

caf::result<script_status> task_intake::status(const get_status& x) {
  return ask(x, x.last_sequence);
}

caf::result<script_status> task_intake::cancel(const cancel_script& x) {
  context_->step("task_intake.cancel_script", x.ticket);
  // A delayed StartScript of this ticket must not run any more
  // (tentacle-services 15).
  if (!find(x.ticket) && !room_.find(x.ticket.key()) && known()
      && !dead_.find(x.ticket, context_->now())) {
    auto answer = unknown(x.ticket, x.last_sequence);
    bury(x.ticket, exit_cancelled,
         {{output_source::err, context_->now(),
           "The script was cancelled before it was started."}});
    return answer;
  }
  leave_lock_queue(x.ticket.key());
  return ask(x, x.last_sequence);
}

caf::result<script_status>
task_intake::pass_urgently(const operation_actor& operation,
                           const cancel_script& x) {
  auto reply = self_->make_response_promise<script_status>();
  self_->request<caf::message_priority::high>(operation, caf::infinite, x)
    .then(
      [reply](script_status& status) mutable {
        reply.deliver(std::move(status));
      },
      [reply](const caf::error& e) mutable { reply.deliver(e); });
  return reply;
}

caf::result<void> task_intake::complete(const complete_script& x) {
  context_->step("task_intake.complete_script", x.ticket);
  auto i = entries_.find(x.ticket.key());
  if (i != entries_.end())
    return self_->delegate(i->second.actor, complete_atom_v);
  if (auto* guest = room_.find(x.ticket.key()))
    return complete_guest(*guest);
  // A worker that was killed once the pod was deleted has left the rest to us;
  // the server will not ask again [RPC-14].
  if (loaded_ && x.ticket.valid() && !context_->settings.disable_pod_cleanup)
    discard_workspace(context_->store, x.ticket);
  return caf::unit;
}

script_status task_intake::unknown(const script_ticket& ticket,
                                   std::int64_t cursor) {
  script_status result;
  result.ticket = ticket;
  result.next_sequence = cursor;
  result.state = process_state::complete;
  result.exit_code = exit_pod_not_found;
  for (auto& text : pod_not_found_lines(kubernetes::script_pod_name(ticket)))
    result.lines.push_back(
      {output_source::err, context_->now(), std::move(text)});
  return result;
}

script_status task_intake::ended(const script_ticket& ticket,
                                 std::int64_t cursor,
                                 const tombstones::stone& stone) {
  script_status result;
  result.ticket = ticket;
  result.lines = stone.lines;
  result.next_sequence = cursor;
  result.state = process_state::complete;
  result.exit_code = stone.exit_code;
  return result;
}

task_intake_actor spawn_task_intake(caf::local_actor& parent,
                                    context_ptr context, health_actor health) {
  using impl = task_intake_actor::stateful_impl<task_intake>;
  return parent.spawn<impl, caf::linked>(std::move(context), std::move(health));
}

} // namespace cuttle
