#include "actors/pod_lifecycle_impl.hpp"

namespace cuttle {

caf::result<void> pod_lifecycle::keep() {
  step("pod_lifecycle.keep");
  // There is a pod, or it is all over; or it is kept.
  if (!command_ || request_ == request_state::kept || stage_ == stage::dropping
      || stage_ == stage::clearing)
    return caf::unit;
  auto result = self_->make_response_promise<void>();
  keep_promises_.push_back(result);
  if (keeping_ || keep_wanted_)
    return result;
  if (stage_ == stage::preparing && !workspace_ready_)
    keep_wanted_ = true;
  else
    begin_keeping();
  return result;
}

void pod_lifecycle::begin_keeping() {
  keeping_ = true;
  workspace::request_keeping how;
  how.seal = context_->request_key();
  how.since = since_;
  if (!workspace_ready_)
    how.workspace = [derive = context_->log_key, ticket = ticket_] {
      return derive(ticket);
    };
  context_->store.keep(*command_, std::move(how),
                       [box = box(), ticket = ticket_](outcome<void> result) {
                         box.post(request_kept{ticket, reason_of(result)});
                       });
}

void pod_lifecycle::on_kept(const request_kept& x) {
  step("pod_lifecycle.request_kept");
  keeping_ = false;
  auto kept = x.reason.code == errc::none;
  if (kept) {
    request_ = request_state::kept;
    workspace_ready_ = true;
  } else {
    telemetry::warn("request-not-kept",
                    {{"ticket", ticket_.task_id}, {"reason", x.reason.text}});
  }
  answer_keeping(x.reason);
  if (std::exchange(clear_wanted_, false))
    return clear(std::move(verdict_));
  // The files of the command are spent: there is no second attempt.
  if (!workspace_ready_)
    return give_up(x.reason);
  if (stage_ == stage::dropping)
    return kept ? drop_request() : finish_creation();
  if (std::exchange(start_wanted_, false) && stage_ == stage::idle)
    start();
}

void pod_lifecycle::answer_keeping(const failure& reason) {
  keep_wanted_ = false;
  for (auto& promise : std::exchange(keep_promises_, {}))
    if (reason.code == errc::none)
      promise.deliver();
    else
      promise.deliver(to_error(reason));
}

void pod_lifecycle::drop_request() {
  context_->store.drop_request(
    ticket_, [box = box(), ticket = ticket_](outcome<void> result) {
      box.post(request_dropped{ticket, reason_of(result)});
    });
}

void pod_lifecycle::on_dropped(const request_dropped& x) {
  step("pod_lifecycle.request_dropped");
  if (x.reason.code == errc::none)
    request_ = request_state::none;
  else
    telemetry::warn("request-not-dropped",
                    {{"ticket", ticket_.task_id}, {"reason", x.reason.text}});
  if (stage_ == stage::dropping)
    return finish_creation();
  if (std::exchange(deletion_waits_, false)) {
    drop_timer_.dispose();
    delete_pod();
  }
}

void pod_lifecycle::clear(std::optional<failure> then) {
  stage_ = stage::clearing;
  verdict_ = std::move(then);
  clear_wanted_ = keeping_;
  if (keeping_)
    return;
  answer_keeping(verdict_.value_or(failure{}));
  context_->store.remove(ticket_, [box = box()](outcome<void> result) {
    box.post(workspace_removed{reason_of(result)});
  });
}

void pod_lifecycle::on_cleared(const failure& reason) {
  if (reason.code != errc::none) {
    telemetry::warn("request-not-dropped",
                    {{"ticket", ticket_.task_id}, {"reason", reason.text}});
    // Whatever is told now would not be true after a restart.
    clear_timer_ = self_->run_delayed(context_->patience.volume_retry,
                                      [this] { clear(std::move(verdict_)); });
    return;
  }
  request_ = request_state::none;
  stage_ = stage::gone;
  command_.reset();
  workspace_gone_ = true;
  if (auto told = std::exchange(verdict_, std::nullopt))
    self_->send(operation_, pod_created{std::move(*told), {}});
  deliver(cancel_promises_);
  settle_completion();
}

} // namespace cuttle
