#include "actors/operation.hpp"

#include "actors/operation_impl.hpp"

namespace cuttle {

operation::operation(operation_actor::pointer self, context_ptr context,
                     task_intake_actor intake, operation_plan plan)
  : self_(self), context_(std::move(context)), intake_(std::move(intake)),
    ticket_(plan.ticket), pod_name_(kubernetes::script_pod_name(ticket_)),
    census_(context_->metrics) {
  install_handlers(self_);
  lifecycle_
    = spawn_pod_lifecycle(*self_, context_, operation_actor{self_}, ticket_,
                          plan.command, plan.version, plan.request);
  log_ = spawn_log_stream(*self_, context_, operation_actor{self_}, ticket_,
                          plan.pod.has_value());
  builds_image_ = plan.command && builds_an_image(plan.command->body());
  if (!plan.note.empty())
    say(output_source::debug, std::move(plan.note));
  if (plan.pod) {
    self_->send(lifecycle_, pod_changed{std::move(*plan.pod)});
    // Its runner looks for the worker where the last one was.
    context_->store.announce_link(ticket_);
  } else {
    cursor_known_ = true;
  }
}

operation::~operation() {
  start_timer_.dispose();
  held_timer_.dispose();
  cancel_timer_.dispose();
  complete_timer_.dispose();
  result_timer_.dispose();
  stuck_timer_.dispose();
}

operation_actor::behavior_type operation::make_behavior() {
  return {
    [this](start_atom) { return start(); },
    [this](begin_creation) { self_->send(lifecycle_, start_atom_v); },
    [this](const get_status& x) { return status(x.last_sequence); },
    [this](const cancel_script& x) { return cancel(x.last_sequence); },
    [this](complete_atom) { return complete(); },
    [this](const pod_changed& x) { self_->send(lifecycle_, x); },
    [this](const pod_deleted& x) { self_->send(lifecycle_, x); },
    [this](pod_missing x) { self_->send(lifecycle_, x); },
    [this](const pod_event_seen& x) { on_event(x.event); },
    [this](const collect_orphan& x) { on_orphan(x); },
    [this](const expire_pending& x) { on_pending_too_long(x); },
    [this](const pod_progress& x) { on_progress(x); },
    [this](const pod_created& x) { on_created(x); },
    [this](const creation_held& x) { on_held(x); },
    [this](const remark& x) { buffer_.add(x.line); },
    [this](const link_opened&) { on_runner_linked(); },
    // (not const: its lines are taken out)
    [this](log_batch& x) { on_lines(x); },
    [this](const log_end& x) { on_log_end(x); },
  };
}

caf::result<script_status> operation::start() {
  step("operation.start");
  start_promise_ = self_->make_response_promise<script_status>();
  auto result = start_promise_;
  start_timer_ = self_->run_delayed(context_->patience.rpc, [this] {
    answer_start_when_kept("The Kubernetes Pod '" + pod_name_
                           + "' is not created yet; the worker goes on "
                             "trying.");
  });
  return result;
}

script_status operation::started() {
  script_status result;
  result.ticket = ticket_;
  result.lines = buffer_.take(buffer_.last(), 0).lines;
  result.state = process_state::pending;
  return result;
}

script_status operation::status(std::int64_t cursor) {
  step("operation.get_status");
  cursor = std::max<std::int64_t>(cursor, 0);
  follow_cursor(cursor);
  // The state is sampled before the lines are taken [RPC-07].
  auto code = result_code();
  say_phase();
  auto page = buffer_.take(cursor, context_->settings.response_bytes);
  script_status result;
  result.ticket = ticket_;
  result.lines = std::move(page.lines);
  result.next_sequence = page.next;
  if (code && !page.more) {
    result.state = process_state::complete;
    result.exit_code = *code;
    reported_ = *code;
  } else {
    result.state = verdict_.phase == pod_phase::pending && !linked_
                     ? process_state::pending
                     : process_state::running;
  }
  return result;
}

void operation::follow_cursor(std::int64_t cursor) {
  if (!cursor_known_) {
    cursor_known_ = true;
    buffer_.restart(cursor);
    open_log_if_due();
    return;
  }
  if (cursor < buffer_.base() && log_opened_ && !frozen_) {
    rewind(cursor);
    return;
  }
  auto& settings = context_->settings;
  auto keep = context_->log_memory->crowded(settings.log_total_bytes)
                ? std::size_t{0}
                : settings.log_buffer_bytes / 2;
  auto freed = buffer_.forget(cursor, keep);
  auto news = context_->links != nullptr && cursor > confirmed_;
  confirmed_ = std::max(confirmed_, cursor);
  // Whether there is room depends on the others as well: as long as somebody
  // waits for some, it is looked at again whenever something is held here.
  auto waits = buffer_.bytes() > 0 && context_->log_memory->anyone_waits();
  if (freed > 0 || news || waits)
    self_->send(log_, log_credit{freed, confirmed_});
}

void operation::rewind(std::int64_t cursor) {
  buffer_.restart(cursor);
  log_ended_ = false;
  marker_.reset();
  // Until the log says that it begins anew, what comes is of the reading
  // before.
  ++rewinding_;
  self_->request(log_, caf::infinite, open_log{pod_name_, cursor})
    .then([this] { --rewinding_; }, [](const caf::error&) {});
}

void operation::say_phase() {
  auto now = context_->now();
  if (gone_ || frozen_
      || (said_phase_ == verdict_.phase
          && now - said_at_ < context_->patience.phase_line))
    return;
  said_phase_ = verdict_.phase;
  said_at_ = now;
  say(output_source::debug, phase_line(pod_name_, verdict_.phase));
}

void operation::say(output_source source, std::string text) {
  buffer_.add({source, context_->now(), std::move(text)});
}

void operation::step(std::string_view what) {
  context_->step(what, ticket_);
}

operation_actor spawn_operation(caf::local_actor& parent, context_ptr context,
                                task_intake_actor intake, operation_plan plan) {
  using impl = operation_actor::stateful_impl<operation>;
  return parent.spawn<impl, caf::linked>(std::move(context), std::move(intake),
                                         std::move(plan));
}

} // namespace cuttle
