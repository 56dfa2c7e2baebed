#include "actors/operation_impl.hpp"

namespace cuttle {

std::optional<std::int32_t> operation::result_code() const {
  if (forced_)
    return forced_;
  if (log_opened_ && !log_ended_)
    return std::nullopt;
  // The end of a cancellation is the deletion's to tell.
  if (killed_by_us())
    return std::nullopt;
  if (verdict_.container_ended) {
    // A container that has ended has a log; it is opened on the next step.
    if (!log_opened_ && !gone_)
      return std::nullopt;
    return verdict_.exit_code;
  }
  if (marker_)
    return marker_;
  if (verdict_.phase == pod_phase::failed
      || verdict_.phase == pod_phase::succeeded)
    return verdict_.exit_code;
  if (gone_)
    return exit_pod_not_found;
  return std::nullopt;
}

void operation::force(std::int32_t code) {
  forced_ = code;
  frozen_ = true;
  self_->send(log_, container_ended_atom_v);
  expire_result();
}

void operation::expire_result() {
  if (!std::exchange(expiring_, true))
    result_timer_ = self_->run_delayed(context_->patience.result,
                                       [this] { end_by_completion(); });
}

caf::result<script_status> operation::cancel(std::int64_t cursor) {
  step("operation.cancel");
  // A script that has ended keeps its exit code [RPC-12].
  if (forced_ || verdict_.container_ended || marker_ || gone_
      || verdict_.phase == pod_phase::failed)
    return status(cursor);
  auto reply = self_->make_response_promise<script_status>();
  cancelling_.push_back({reply, cursor});
  kill_asked_ = true;
  // One that comes meanwhile waits for the same end.
  if (cancelling_.size() == 1) {
    cancel_timer_.dispose();
    cancel_timer_ = self_->run_delayed(context_->patience.rpc, [this] {
      say(output_source::debug, "The cluster has not confirmed the end of "
                                "the Kubernetes Pod '"
                                  + pod_name_ + "' yet.");
      answer_cancellations();
    });
  }
  self_->request(lifecycle_, caf::infinite, cancel_atom_v)
    .then(
      [this] {
        if (!forced_ && (!verdict_.container_ended || killed_by_us())) {
          say(output_source::debug,
              "Kubernetes Pod " + pod_name_ + " has been terminated.");
          say(output_source::out, "Script execution canceled.");
          force(exit_cancelled);
        }
        if (start_promise_.pending())
          start_promise_.deliver(started());
        answer_cancellations();
      },
      [this](const caf::error& e) {
        kill_asked_ = false;
        say(output_source::debug,
            "The Kubernetes Pod could not be deleted: " + to_failure(e).text);
        answer_cancellations();
      });
  return reply;
}

bool operation::killed_by_us() const {
  constexpr auto by_kill = 128 + 9, by_term = 128 + 15;
  return kill_asked_ && !forced_ && !marker_ && verdict_.container_ended
         && (verdict_.exit_code == by_kill || verdict_.exit_code == by_term);
}

void operation::answer_cancellations() {
  cancel_timer_.dispose();
  for (auto& [reply, cursor] : std::exchange(cancelling_, {}))
    reply.deliver(status(cursor));
}

caf::result<void> operation::complete() {
  step("operation.complete");
  auto reply = self_->make_response_promise<void>();
  completing_.push_back(reply);
  if (completing_.size() > 1)
    return reply;
  complete_timer_.dispose();
  complete_timer_ = self_->run_delayed(context_->patience.rpc,
                                       [this] { answer_completions(); });
  end_by_completion();
  return reply;
}

void operation::answer_completions() {
  for (auto& reply : std::exchange(completing_, {}))
    reply.deliver();
}

void operation::end_by_completion() {
  self_->request(lifecycle_, caf::infinite, complete_atom_v)
    .then(
      [this] {
        if (start_promise_.pending())
          start_promise_.deliver(started());
        answer_completions();
        leave();
      },
      // (the lifecycle broke, and this actor with it)
      [](const caf::error&) {});
}

void operation::leave() {
  auto code = reported_ ? *reported_ : result_code().value_or(exit_cancelled);
  self_->send(intake_, operation_completed{ticket_, code});
  self_->quit(caf::exit_reason::user_shutdown);
}

void operation::on_orphan(const collect_orphan& x) {
  step("operation.collect_orphan");
  // Only a result that is wholly here outlives its pod [ORP-04].
  if (result_code() && (log_ended_ || !log_opened_))
    self_->send(lifecycle_, x);
}

void operation::on_pending_too_long(const expire_pending& x) {
  step("operation.expire_pending");
  if (verdict_.phase != pod_phase::pending || forced_)
    return;
  say(output_source::err, pending_line(pod_name_, x.limit, verdict_.cause));
  force(exit_timeout);
  self_->request(lifecycle_, caf::infinite, cancel_atom_v)
    .then([] {}, [](const caf::error&) {});
}

} // namespace cuttle
