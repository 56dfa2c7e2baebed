#include "actors/pod_lifecycle.hpp"

#include "actors/discard_workspace.hpp"
#include "actors/pod_lifecycle_impl.hpp"

namespace cuttle {

pod_lifecycle::pod_lifecycle(pod_lifecycle_actor::pointer self,
                             context_ptr context, operation_actor operation,
                             script_ticket ticket,
                             std::shared_ptr<const start_script> command,
                             std::optional<kubernetes::cluster_version> version,
                             request_state request)
  : self_(self), context_(std::move(context)), operation_(std::move(operation)),
    ticket_(std::move(ticket)), pod_name_(kubernetes::script_pod_name(ticket_)),
    command_(std::move(command)),
    starts_(context_->metrics.histogram(
      "cuttle_start_seconds",
      "From a StartScript's arrival until the request for its pod goes out to "
      "the API server, waiting for a turn included.")),
    version_(version), stage_(command_ ? stage::idle : stage::created),
    request_(request), since_(context_->now()),
    workspace_ready_(command_ && request == request_state::kept) {
  install_handlers(self_);
}

pod_lifecycle::~pod_lifecycle() {
  clear_timer_.dispose();
  drop_timer_.dispose();
}

pod_lifecycle_actor::behavior_type pod_lifecycle::make_behavior() {
  return {
    [this](start_atom) { start(); },
    [this](keep_atom) { return keep(); },
    [this](const request_kept& x) { on_kept(x); },
    [this](const request_dropped& x) { on_dropped(x); },
    [this](const workspace_prepared& x) { on_workspace(x); },
    [this](const template_read& x) { on_template(x); },
    [this](const feed_secret_stored& x) { on_feed_secret(x); },
    [this](const pod_created& x) { on_created(x); },
    [this](const pod_looked_up& x) { on_looked_up(x); },
    [this](const pod_changed& x) { on_changed(x.pod); },
    [this](const pod_deleted& x) { on_deleted(x.pod); },
    [this](pod_missing) { look_up(); },
    [this](cancel_atom) { return cancel(); },
    [this](complete_atom) { return complete(); },
    [this](const collect_orphan&) { collect(); },
    [this](const pod_removed& x) { on_removed(x.reason); },
    [this](const workspace_removed& x) { on_workspace_removed(x.reason); },
  };
}

void pod_lifecycle::start() {
  step("pod_lifecycle.start");
  if (stage_ == stage::gone)
    return tell_cancelled();
  if (stage_ == stage::held)
    return create();
  if (stage_ != stage::idle)
    return;
  if (keeping_) {
    start_wanted_ = true;
    return;
  }
  stage_ = stage::preparing;
  auto told = [box = box()](outcome<workspace::volume_space> result) {
    workspace_prepared message;
    if (result) {
      message.free_bytes = result->free_bytes;
      message.total_bytes = result->total_bytes;
    } else {
      message.reason = std::move(result.error());
    }
    box.post(std::move(message));
  };
  if (workspace_ready_)
    context_->store.space(std::move(told));
  else
    context_->store.prepare(*command_, context_->log_key(ticket_),
                            std::move(told));
}

void pod_lifecycle::on_workspace(const workspace_prepared& x) {
  step("pod_lifecycle.workspace_prepared");
  if (ending())
    return settle_without_pod();
  // (of a workspace that is there, only the space was asked for)
  if (x.reason.code != errc::none && !workspace_ready_)
    return give_up(x.reason);
  workspace_ready_ = true;
  if (std::exchange(keep_wanted_, false))
    begin_keeping();
  input_.volume_free_bytes = x.free_bytes;
  input_.volume_total_bytes = x.total_bytes;
  stage_ = stage::reading_template;
  if (!context_->templates)
    return on_template({});
  context_->templates->get([box = box()](std::optional<pod_template> found) {
    box.post(template_read{std::move(found)});
  });
}

void pod_lifecycle::on_template(const template_read& x) {
  step("pod_lifecycle.template_read");
  if (ending())
    return settle_without_pod();
  input_.base = x.found;
  input_.feed_secret = kubernetes::feed_secret_name(*command_);
  if (!input_.feed_secret)
    return create();
  stage_ = stage::storing_secret;
  kubernetes::store_feed_secret(context_->cluster, context_->settings.pods,
                                *command_, [box = box()](outcome<void> result) {
                                  box.post(
                                    feed_secret_stored{reason_of(result)});
                                });
}

void pod_lifecycle::on_feed_secret(const feed_secret_stored& x) {
  step("pod_lifecycle.feed_secret_stored");
  if (ending())
    return settle_without_pod();
  if (x.reason.code != errc::none)
    return give_up(x.reason);
  create();
}

void pod_lifecycle::create() {
  stage_ = stage::creating;
  auto& pods = context_->settings.pods;
  input_.image = kubernetes::choose_image(pods, *command_, version_);
  input_.version = version_;
  auto manifest = kubernetes::make_script_pod(pods, *command_, input_);
  kubernetes::creation_callbacks callbacks;
  if (!std::exchange(announced_, true)) {
    callbacks.on_sent = sent();
    if (!manifest.calamari_warning.empty())
      for (auto& [source, text] : cause_lines(manifest.calamari_warning, false))
        say(source, std::move(text));
    say(output_source::debug, "Creating Kubernetes Pod '" + pod_name_ + "'.");
    for (auto& note : manifest.notes)
      say(output_source::debug, std::move(note));
  }
  callbacks.on_done = [box = box()](kubernetes::creation_outcome result) {
    pod_created message;
    if (result) {
      message.pod = std::move(*result);
    } else {
      message.retry_after
        = result.error().retry_after.value_or(std::chrono::seconds{0});
      message.reason = std::move(result.error());
    }
    box.post(std::move(message));
  };
  context_->cluster.create_pod(std::move(manifest.json), std::move(callbacks));
}

std::function<void()> pod_lifecycle::sent() const {
  if (!command_->arrived)
    return {};
  // (metrics outlive the driver)
  return [&starts = starts_, arrived = *command_->arrived] {
    std::chrono::duration<double> took
      = std::chrono::steady_clock::now() - arrived;
    starts.observe(took.count());
  };
}

void pod_lifecycle::on_created(const pod_created& x) {
  step("pod_lifecycle.pod_created");
  if (stage_ == stage::gone)
    return;
  if (x.reason.code != errc::none && !pod_) {
    if (ending())
      return settle_without_pod();
    if (hold(x))
      return;
    return give_up(kubernetes::explain_refusal(x.reason));
  }
  // The watch may have been quicker, and knows more [MON-08].
  if (!pod_)
    pod_ = x.pod;
  if (request_ == request_state::none && !keeping_)
    return finish_creation();
  // From here on the pod is what is known of the script.
  stage_ = stage::dropping;
  if (!keeping_)
    drop_request();
}

bool pod_lifecycle::hold(const pod_created& x) {
  creation_held held{ticket_, hold_cause::busy, x.reason, x.retry_after};
  if (x.reason.code == errc::forbidden) {
    auto quota = kubernetes::read_quota_refusal(x.reason.text);
    if (quota && !quota->never_fits) {
      held.cause = hold_cause::quota;
      held.reason.text = kubernetes::quota_text(*quota);
    } else if (!kubernetes::is_quota_uncounted(x.reason.text)) {
      return false;
    }
  } else if (x.reason.code != errc::overloaded) {
    return false;
  }
  stage_ = stage::held;
  self_->send(operation_, std::move(held));
  return true;
}

void pod_lifecycle::finish_creation() {
  stage_ = stage::created;
  command_.reset();
  say(output_source::debug, "Executing script in Kubernetes Pod '" + pod_name_
                              + "'. Image: '" + pod_->image + "'.");
  self_->send(operation_, pod_created{{}, *pod_});
  if (vanished_)
    vanish();
  if (ending())
    return end();
  report();
}

void pod_lifecycle::give_up(const failure& reason) {
  if (request_ != request_state::none || keeping_)
    return clear(reason);
  answer_keeping(reason);
  stage_ = stage::gone;
  command_.reset();
  discard_workspace(context_->store, ticket_);
  self_->send(operation_, pod_created{reason, {}});
}

void pod_lifecycle::deliver(std::vector<promise>& promises) {
  for (auto& promise : std::exchange(promises, {}))
    promise.deliver();
}

mailbox<pod_lifecycle_actor> pod_lifecycle::box() {
  return mailbox<pod_lifecycle_actor>{pod_lifecycle_actor{self_}};
}

void pod_lifecycle::say(output_source source, std::string text) {
  self_->send(operation_,
              remark{output_line{source, context_->now(), std::move(text)}});
}

void pod_lifecycle::step(std::string_view what) {
  context_->step(what, ticket_);
}

pod_lifecycle_actor spawn_pod_lifecycle(
  caf::local_actor& parent, context_ptr context, operation_actor operation,
  script_ticket ticket, std::shared_ptr<const start_script> command,
  std::optional<kubernetes::cluster_version> version, request_state request) {
  using impl = pod_lifecycle_actor::stateful_impl<pod_lifecycle>;
  return parent.spawn<impl, caf::linked>(
    std::move(context), std::move(operation), std::move(ticket),
    std::move(command), version, request);
}

} // namespace cuttle
