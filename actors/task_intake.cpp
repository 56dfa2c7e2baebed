#include "actors/task_intake.hpp"

#include "actors/discard_workspace.hpp"
#include "actors/task_intake_impl.hpp"

namespace cuttle {

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
      "Operation trees that ended by an internal error.")) {
  install_handlers(self_);
  self_->set_exit_handler([this](caf::exit_msg& msg) { on_exit(msg); });
}

task_intake::~task_intake() {
  for (auto& [key, timers] : lock_timers_)
    timers.dispose();
}

task_intake_actor::behavior_type task_intake::make_behavior() {
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
    [this](const creation_done& x) { on_creation_done(x.ticket); },
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
  if (auto* stone = dead_.find(x.ticket, context_->now()))
    return ended(x.ticket, 0, *stone);
  if (!loaded_)
    return to_error({errc::unavailable, "The worker has not loaded the "
                                        "state of its pods yet."});
  if (draining_)
    return to_error({errc::shutting_down,
                     "The worker is about to stop and takes no new "
                     "operation; its successor will."});
  auto limit = context_->settings.operations_limit;
  if (entries_.size() >= limit)
    return to_error({errc::overloaded, "The worker has "
                                         + std::to_string(entries_.size())
                                         + " operations in flight, its limit "
                                           "(CUTTLE_OPERATIONS_LIMIT)."});
  started_.add();
  auto reply = self_->make_response_promise<script_status>();
  auto& made = make(
    x.ticket,
    {x.ticket, std::make_shared<start_script>(x), std::nullopt, version_, {}});
  made.path = path_of(x);
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
  if (!find(x.ticket) && loaded_ && !dead_.find(x.ticket, context_->now())) {
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
