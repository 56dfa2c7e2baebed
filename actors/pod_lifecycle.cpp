#include "actors/pod_lifecycle.hpp"

#include "actors/discard_workspace.hpp"
#include "actors/pod_lifecycle_impl.hpp"

namespace cuttle {

pod_lifecycle::pod_lifecycle(pod_lifecycle_actor::pointer self,
                             context_ptr context, operation_actor operation,
                             script_ticket ticket,
                             std::shared_ptr<const start_script> command,
                             std::optional<kubernetes::cluster_version> version)
  : self_(self), context_(std::move(context)), operation_(std::move(operation)),
    ticket_(std::move(ticket)), pod_name_(kubernetes::script_pod_name(ticket_)),
    command_(std::move(command)), version_(version),
    stage_(command_ ? stage::idle : stage::created) {
  install_handlers(self_);
}

pod_lifecycle_actor::behavior_type pod_lifecycle::make_behavior() {
  return {
    [this](start_atom) { start(); },
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
  if (stage_ != stage::idle)
    return;
  stage_ = stage::preparing;
  context_->store.prepare(
    *command_, context_->log_key(ticket_),
    [box = box()](outcome<workspace::volume_space> result) {
      workspace_prepared message;
      if (result) {
        message.free_bytes = result->free_bytes;
        message.total_bytes = result->total_bytes;
      } else {
        message.reason = std::move(result.error());
      }
      box.post(std::move(message));
    });
}

void pod_lifecycle::on_workspace(const workspace_prepared& x) {
  step("pod_lifecycle.workspace_prepared");
  if (ending())
    return settle_without_pod();
  if (x.reason.code != errc::none)
    return give_up(x.reason);
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
  if (!manifest.calamari_warning.empty())
    for (auto& [source, text] : cause_lines(manifest.calamari_warning, false))
      say(source, std::move(text));
  say(output_source::debug, "Creating Kubernetes Pod '" + pod_name_ + "'.");
  for (auto& note : manifest.notes)
    say(output_source::debug, std::move(note));
  context_->cluster.create_pod(std::move(manifest.json),
                               [box = box()](outcome<pod_snapshot> result) {
                                 pod_created message;
                                 if (result)
                                   message.pod = std::move(*result);
                                 else
                                   message.reason = std::move(result.error());
                                 box.post(std::move(message));
                               });
}

void pod_lifecycle::on_created(const pod_created& x) {
  step("pod_lifecycle.pod_created");
  if (stage_ == stage::gone)
    return;
  if (x.reason.code != errc::none && !pod_) {
    if (ending())
      return settle_without_pod();
    return give_up(kubernetes::explain_refusal(x.reason));
  }
  stage_ = stage::created;
  command_.reset();
  // The watch may have been quicker, and knows more [MON-08].
  if (!pod_)
    pod_ = x.pod;
  say(output_source::debug, "Executing script in Kubernetes Pod '" + pod_name_
                              + "'. Image: '" + pod_->image + "'.");
  self_->send(operation_, pod_created{{}, *pod_});
  if (ending())
    return end();
  report();
}

void pod_lifecycle::give_up(const failure& reason) {
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

pod_lifecycle_actor
spawn_pod_lifecycle(caf::local_actor& parent, context_ptr context,
                    operation_actor operation, script_ticket ticket,
                    std::shared_ptr<const start_script> command,
                    std::optional<kubernetes::cluster_version> version) {
  using impl = pod_lifecycle_actor::stateful_impl<pod_lifecycle>;
  return parent.spawn<impl, caf::linked>(
    std::move(context), std::move(operation), std::move(ticket),
    std::move(command), version);
}

} // namespace cuttle
