#include "actors/pod_lifecycle_impl.hpp"

namespace cuttle {

namespace {

failure cancellation() {
  return {errc::cancelled, "The script was cancelled before its pod existed."};
}

} // namespace

void pod_lifecycle::on_changed(const pod_snapshot& pod) {
  step("pod_lifecycle.pod_changed");
  if (stage_ == stage::gone || (pod_ && pod_->uid != pod.uid))
    return;
  pod_ = pod;
  if (stage_ == stage::created)
    report();
}

void pod_lifecycle::on_deleted(const pod_snapshot& pod) {
  step("pod_lifecycle.pod_deleted");
  if (pod_ && pod_->uid != pod.uid)
    return;
  if (stage_ == stage::dropping)
    vanished_ = true;
  if (stage_ != stage::created)
    return;
  pod_ = pod;
  vanish();
}

void pod_lifecycle::look_up() {
  step("pod_lifecycle.pod_missing");
  if (stage_ != stage::created)
    return;
  context_->cluster.get_pod(pod_name_,
                            [box = box()](outcome<pod_snapshot> result) {
                              pod_looked_up message;
                              if (result)
                                message.pod = std::move(*result);
                              else
                                message.reason = std::move(result.error());
                              box.post(std::move(message));
                            });
}

void pod_lifecycle::on_looked_up(const pod_looked_up& x) {
  step("pod_lifecycle.pod_looked_up");
  if (stage_ != stage::created)
    return;
  if (x.reason.code == errc::none && (!pod_ || pod_->uid == x.pod.uid)) {
    pod_ = x.pod;
    report();
  } else if (x.reason.code == errc::none || x.reason.code == errc::not_found) {
    vanish();
  }
}

void pod_lifecycle::vanish() {
  stage_ = stage::gone;
  pod_progress progress;
  if (pod_) {
    progress.verdict = kubernetes::judge(*pod_);
    progress.node = pod_->node;
    progress.image = pod_->image;
  }
  progress.gone = true;
  self_->send(operation_, std::move(progress));
  deliver(cancel_promises_);
}

void pod_lifecycle::report() {
  if (!pod_)
    return;
  pod_progress progress;
  progress.verdict = kubernetes::judge(*pod_);
  progress.node = pod_->node;
  progress.image = pod_->image;
  self_->send(operation_, std::move(progress));
}

bool pod_lifecycle::ending() const {
  return cancelled_ || completing_;
}

caf::result<void> pod_lifecycle::cancel() {
  step("pod_lifecycle.cancel");
  cancelled_ = true;
  if (stage_ == stage::gone)
    return caf::unit;
  auto result = self_->make_response_promise<void>();
  cancel_promises_.push_back(result);
  if (stage_ == stage::idle || stage_ == stage::held)
    settle_without_pod();
  else if (stage_ == stage::created)
    end();
  // Else: as soon as the creation has settled.
  return result;
}

caf::result<void> pod_lifecycle::complete() {
  step("pod_lifecycle.complete");
  completing_ = true;
  auto result = self_->make_response_promise<void>();
  complete_promises_.push_back(result);
  if (stage_ == stage::idle || stage_ == stage::held)
    settle_without_pod();
  else if (stage_ == stage::created || stage_ == stage::gone)
    end();
  return result;
}

void pod_lifecycle::collect() {
  step("pod_lifecycle.collect");
  if (stage_ != stage::created || context_->settings.disable_pod_cleanup)
    return;
  remove_pod({});
}

void pod_lifecycle::settle_without_pod() {
  if (request_ != request_state::none || keeping_)
    return clear(cancellation());
  answer_keeping(cancellation());
  if (stage_ != stage::idle)
    tell_cancelled();
  stage_ = stage::gone;
  command_.reset();
  deliver(cancel_promises_);
  remove_workspace();
}

void pod_lifecycle::tell_cancelled() {
  self_->send(operation_, pod_created{cancellation(), {}});
}

void pod_lifecycle::end() {
  if (cancelled_ && stage_ == stage::created && !removing_pod_ && !pod_gone_)
    remove_pod(std::chrono::seconds{0});
  if (!completing_)
    return;
  if (context_->settings.disable_pod_cleanup) {
    deliver(complete_promises_);
    return;
  }
  if (stage_ == stage::gone)
    pod_gone_ = true;
  else if (!removing_pod_ && !pod_gone_)
    remove_pod({});
  remove_workspace();
  // What was removed before, by a cancellation, is not reported again.
  settle_completion();
}

void pod_lifecycle::remove_pod(std::optional<std::chrono::seconds> grace) {
  removing_pod_ = true;
  grace_ = grace;
  if (request_ == request_state::none)
    return delete_pod();
  // What is kept would run again, once there is no pod.
  deletion_waits_ = true;
  drop_request();
  drop_timer_ = self_->run_delayed(context_->patience.drop, [this] {
    if (std::exchange(deletion_waits_, false))
      delete_pod();
  });
}

void pod_lifecycle::delete_pod() {
  context_->cluster.delete_pod(pod_name_, pod_ ? pod_->uid : "", grace_,
                               [box = box()](outcome<void> result) {
                                 box.post(pod_removed{reason_of(result)});
                               });
}

void pod_lifecycle::remove_workspace() {
  if (removing_workspace_)
    return;
  removing_workspace_ = true;
  context_->store.remove(ticket_, [box = box()](outcome<void> result) {
    box.post(workspace_removed{reason_of(result)});
  });
}

void pod_lifecycle::on_removed(const failure& reason) {
  step("pod_lifecycle.pod_removed");
  removing_pod_ = false;
  if (reason.code == errc::none) {
    pod_gone_ = true;
    deliver(cancel_promises_);
    settle_completion();
    return;
  }
  telemetry::warn("pod-not-removed",
                  {{"pod", pod_name_}, {"reason", reason.text}});
  for (auto& promise : std::exchange(cancel_promises_, {}))
    promise.deliver(to_error(reason));
  // A cancellation may be tried again. After a completion the tombstone of
  // the ticket removes the pod once the API answers again.
  pod_gone_ = completing_;
  settle_completion();
}

void pod_lifecycle::on_workspace_removed(const failure& reason) {
  step("pod_lifecycle.workspace_removed");
  if (stage_ == stage::clearing)
    return on_cleared(reason);
  if (reason.code != errc::none)
    telemetry::warn("workspace-not-removed",
                    {{"ticket", ticket_.task_id}, {"reason", reason.text}});
  workspace_gone_ = true;
  settle_completion();
}

void pod_lifecycle::settle_completion() {
  if (completing_ && workspace_gone_ && (pod_gone_ || stage_ == stage::gone))
    deliver(complete_promises_);
}

} // namespace cuttle
