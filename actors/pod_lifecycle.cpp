#include "actors/pod_lifecycle.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <utility>
#include <vector>

#include "actors/failure.hpp"
#include "actors/mailbox.hpp"
#include "infra/kubernetes/manifest.hpp"
#include "infra/kubernetes/store_feed_secret.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle {

namespace {

class pod_lifecycle {
public:
  static inline const char* name = "cuttle.pod_lifecycle";

  pod_lifecycle(pod_lifecycle_actor::pointer self, context_ptr context,
                operation_actor operation, script_ticket ticket,
                std::shared_ptr<const start_script> command,
                std::optional<kubernetes::cluster_version> version)
    : self_(self), context_(std::move(context)),
      operation_(std::move(operation)), ticket_(std::move(ticket)),
      pod_name_(kubernetes::script_pod_name(ticket_)),
      command_(std::move(command)), version_(version),
      stage_(command_ ? stage::idle : stage::created) {
    install_handlers(self_);
  }

  pod_lifecycle_actor::behavior_type make_behavior() {
    return {
      [this](start_atom) { start(); },
      [this](const workspace_prepared& x) { on_workspace(x); },
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

private:
  enum class stage { idle, preparing, storing_secret, creating, created, gone };

  // -- creation -------------------------------------------------------------

  void start() {
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

  void on_workspace(const workspace_prepared& x) {
    step("pod_lifecycle.workspace_prepared");
    if (ending())
      return settle_without_pod();
    if (x.reason.code != errc::none)
      return give_up(x.reason);
    input_.volume_free_bytes = x.free_bytes;
    input_.volume_total_bytes = x.total_bytes;
    input_.feed_secret = kubernetes::feed_secret_name(*command_);
    if (!input_.feed_secret)
      return create();
    stage_ = stage::storing_secret;
    kubernetes::store_feed_secret(
      context_->cluster, context_->settings.pods, *command_,
      [box = box()](outcome<void> result) {
        box.post(feed_secret_stored{reason_of(result)});
      });
  }

  void on_feed_secret(const feed_secret_stored& x) {
    step("pod_lifecycle.feed_secret_stored");
    if (ending())
      return settle_without_pod();
    if (x.reason.code != errc::none)
      return give_up(x.reason);
    create();
  }

  void create() {
    stage_ = stage::creating;
    auto& pods = context_->settings.pods;
    input_.image = kubernetes::choose_image(pods, *command_, version_);
    auto manifest = kubernetes::make_script_pod(pods, *command_, input_);
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

  void on_created(const pod_created& x) {
    step("pod_lifecycle.pod_created");
    if (stage_ == stage::gone)
      return;
    if (x.reason.code != errc::none && !pod_) {
      if (ending())
        return settle_without_pod();
      return give_up(x.reason);
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

  // The pod can not be made: leave nothing behind, tell why [RPC-05].
  void give_up(const failure& reason) {
    stage_ = stage::gone;
    command_.reset();
    context_->store.remove(ticket_, [ticket = ticket_](outcome<void> result) {
      if (!result)
        telemetry::warn(
          "workspace-not-removed",
          {{"ticket", ticket.task_id}, {"reason", result.error().text}});
    });
    self_->send(operation_, pod_created{reason, {}});
  }

  // -- the pod's life -------------------------------------------------------

  void on_changed(const pod_snapshot& pod) {
    step("pod_lifecycle.pod_changed");
    if (stage_ == stage::gone || (pod_ && pod_->uid != pod.uid))
      return;
    pod_ = pod;
    if (stage_ == stage::created)
      report();
  }

  void on_deleted(const pod_snapshot& pod) {
    step("pod_lifecycle.pod_deleted");
    if (stage_ != stage::created || (pod_ && pod_->uid != pod.uid))
      return;
    pod_ = pod;
    vanish();
  }

  // A list without our pod may be older than the pod: ask [MON-05].
  void look_up() {
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

  void on_looked_up(const pod_looked_up& x) {
    step("pod_lifecycle.pod_looked_up");
    if (stage_ != stage::created)
      return;
    if (x.reason.code == errc::none && (!pod_ || pod_->uid == x.pod.uid)) {
      pod_ = x.pod;
      report();
    } else if (x.reason.code == errc::none
               || x.reason.code == errc::not_found) {
      vanish();
    }
  }

  void vanish() {
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

  void report() {
    if (!pod_)
      return;
    pod_progress progress;
    progress.verdict = kubernetes::judge(*pod_);
    progress.node = pod_->node;
    progress.image = pod_->image;
    self_->send(operation_, std::move(progress));
  }

  // -- the end --------------------------------------------------------------

  using promise = caf::typed_response_promise<void>;

  bool ending() const {
    return cancelled_ || completing_;
  }

  caf::result<void> cancel() {
    step("pod_lifecycle.cancel");
    cancelled_ = true;
    if (stage_ == stage::gone)
      return caf::unit;
    auto result = self_->make_response_promise<void>();
    cancel_promises_.push_back(result);
    if (stage_ == stage::idle)
      settle_without_pod();
    else if (stage_ == stage::created)
      end();
    // Else: as soon as the creation has settled.
    return result;
  }

  caf::result<void> complete() {
    step("pod_lifecycle.complete");
    completing_ = true;
    auto result = self_->make_response_promise<void>();
    complete_promises_.push_back(result);
    if (stage_ == stage::idle)
      settle_without_pod();
    else if (stage_ == stage::created || stage_ == stage::gone)
      end();
    return result;
  }

  void collect() {
    step("pod_lifecycle.collect");
    if (stage_ != stage::created || context_->settings.disable_pod_cleanup)
      return;
    remove_pod({});
  }

  // Nothing was created, or creation stopped halfway.
  void settle_without_pod() {
    if (stage_ == stage::preparing || stage_ == stage::storing_secret
        || stage_ == stage::creating)
      tell_cancelled();
    stage_ = stage::gone;
    command_.reset();
    deliver(cancel_promises_);
    remove_workspace();
  }

  void tell_cancelled() {
    self_->send(operation_,
                pod_created{failure{errc::cancelled, "The script was cancelled "
                                                     "before its pod existed."},
                            {}});
  }

  void end() {
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

  void remove_pod(std::optional<std::chrono::seconds> grace) {
    removing_pod_ = true;
    context_->cluster.delete_pod(pod_name_, pod_ ? pod_->uid : "", grace,
                                 [box = box()](outcome<void> result) {
                                   box.post(pod_removed{reason_of(result)});
                                 });
  }

  void remove_workspace() {
    if (removing_workspace_)
      return;
    removing_workspace_ = true;
    context_->store.remove(ticket_, [box = box()](outcome<void> result) {
      box.post(workspace_removed{reason_of(result)});
    });
  }

  void on_removed(const failure& reason) {
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

  void on_workspace_removed(const failure& reason) {
    step("pod_lifecycle.workspace_removed");
    if (reason.code != errc::none)
      telemetry::warn("workspace-not-removed",
                      {{"ticket", ticket_.task_id}, {"reason", reason.text}});
    workspace_gone_ = true;
    settle_completion();
  }

  void settle_completion() {
    if (completing_ && workspace_gone_ && (pod_gone_ || stage_ == stage::gone))
      deliver(complete_promises_);
  }

  // -- help -----------------------------------------------------------------

  static void deliver(std::vector<promise>& promises) {
    for (auto& promise : std::exchange(promises, {}))
      promise.deliver();
  }

  template <class T>
  static failure reason_of(outcome<T>& result) {
    return result ? failure{} : std::move(result.error());
  }

  mailbox<pod_lifecycle_actor> box() {
    return mailbox<pod_lifecycle_actor>{pod_lifecycle_actor{self_}};
  }

  void say(output_source source, std::string text) {
    self_->send(operation_,
                remark{output_line{source, context_->now(), std::move(text)}});
  }

  void step(std::string_view what) {
    context_->step(what, ticket_);
  }

  pod_lifecycle_actor::pointer self_;
  context_ptr context_;
  operation_actor operation_;
  script_ticket ticket_;
  std::string pod_name_;
  std::shared_ptr<const start_script> command_;
  std::optional<kubernetes::cluster_version> version_;
  stage stage_;
  kubernetes::script_pod_input input_;
  std::optional<pod_snapshot> pod_;
  bool cancelled_ = false;
  bool completing_ = false;
  bool removing_pod_ = false;
  bool removing_workspace_ = false;
  bool pod_gone_ = false;
  bool workspace_gone_ = false;
  std::vector<promise> cancel_promises_;
  std::vector<promise> complete_promises_;
};

} // namespace

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
