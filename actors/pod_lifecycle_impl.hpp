#pragma once

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <utility>
#include <vector>

#include "actors/failure.hpp"
#include "actors/mailbox.hpp"
#include "actors/pod_lifecycle.hpp"
#include "actors/task_log.hpp"
#include "infra/kubernetes/advice.hpp"
#include "infra/kubernetes/manifest.hpp"
#include "infra/kubernetes/quota.hpp"
#include "infra/kubernetes/store_feed_secret.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle {

/// Takes one script from its command to a running pod and to its removal.
/// Shared by the files of this actor only.
class pod_lifecycle {
public:
  static inline const char* name = "cuttle.pod_lifecycle";

  pod_lifecycle(pod_lifecycle_actor::pointer self, context_ptr context,
                operation_actor operation, script_ticket ticket,
                std::shared_ptr<const start_script> command,
                std::optional<kubernetes::cluster_version> version,
                request_state request);

  ~pod_lifecycle();

  pod_lifecycle(const pod_lifecycle&) = delete;
  pod_lifecycle& operator=(const pod_lifecycle&) = delete;

  pod_lifecycle_actor::behavior_type make_behavior();

private:
  enum class stage {
    idle,
    preparing,
    reading_template,
    storing_secret,
    creating,
    // The API server does not take the pod now.
    held,
    // There is a pod; what was kept of the request is being dropped.
    dropping,
    created,
    // There is no pod; what was kept of the request is being removed.
    clearing,
    gone
  };

  using promise = caf::typed_response_promise<void>;

  // -- creation -------------------------------------------------------------

  void start();

  void on_workspace(const workspace_prepared& x);

  void on_template(const template_read& x);

  void on_feed_secret(const feed_secret_stored& x);

  void create();

  // Measures when the request for the pod goes out.
  std::function<void()> sent() const;

  void on_created(const pod_created& x);

  void finish_creation();

  // The API server will take the pod later; true if that is so.
  bool hold(const pod_created& x);

  // The pod can not be made: leave nothing behind, tell why [RPC-05].
  void give_up(const failure& reason);

  // -- the request on the volume ----------------------------------------------

  // While there is no pod, the request can be kept for a process after this
  // one; no pod is deleted, and no end is told, while it is there.

  caf::result<void> keep();

  void begin_keeping();

  void on_kept(const request_kept& x);

  void answer_keeping(const failure& reason);

  void drop_request();

  void on_dropped(const request_dropped& x);

  // Removes request and workspace, then tells the end.
  void clear(std::optional<failure> then);

  void on_cleared(const failure& reason);

  // -- the pod's life -------------------------------------------------------

  void on_changed(const pod_snapshot& pod);

  void on_deleted(const pod_snapshot& pod);

  // A list without our pod may be older than the pod: ask [MON-05].
  void look_up();

  void on_looked_up(const pod_looked_up& x);

  void vanish();

  void report();

  // -- the end --------------------------------------------------------------

  bool ending() const;

  caf::result<void> cancel();

  caf::result<void> complete();

  void collect();

  // Nothing was created, or creation stopped halfway.
  void settle_without_pod();

  void tell_cancelled();

  void end();

  void remove_pod(std::optional<std::chrono::seconds> grace);

  void delete_pod();

  void remove_workspace();

  void on_removed(const failure& reason);

  void on_workspace_removed(const failure& reason);

  void settle_completion();

  // -- help -----------------------------------------------------------------

  static void deliver(std::vector<promise>& promises);

  template <class T>
  static failure reason_of(outcome<T>& result) {
    return result ? failure{} : std::move(result.error());
  }

  mailbox<pod_lifecycle_actor> box();

  void say(output_source source, std::string text);

  void step(std::string_view what);

  pod_lifecycle_actor::pointer self_;
  context_ptr context_;
  operation_actor operation_;
  script_ticket ticket_;
  std::string pod_name_;
  std::shared_ptr<const start_script> command_;
  telemetry::histogram& starts_;
  std::optional<kubernetes::cluster_version> version_;
  stage stage_;
  kubernetes::script_pod_input input_;
  request_state request_;
  timestamp since_;
  bool workspace_ready_ = false;
  bool keeping_ = false;
  // To be done once the request is kept.
  bool start_wanted_ = false;
  // To be kept once the workspace is written.
  bool keep_wanted_ = false;
  // The task log has the lines about the pod.
  bool announced_ = false;
  // What is told once nothing is kept any more.
  std::optional<failure> verdict_;
  bool clear_wanted_ = false;
  // The pod went away while its request was being dropped.
  bool vanished_ = false;
  // The pod is deleted once its request is dropped.
  bool deletion_waits_ = false;
  std::optional<std::chrono::seconds> grace_;
  std::optional<pod_snapshot> pod_;
  bool cancelled_ = false;
  bool completing_ = false;
  bool removing_pod_ = false;
  bool removing_workspace_ = false;
  bool pod_gone_ = false;
  bool workspace_gone_ = false;
  std::vector<promise> cancel_promises_;
  std::vector<promise> complete_promises_;
  std::vector<promise> keep_promises_;
  caf::disposable clear_timer_;
  caf::disposable drop_timer_;
};

} // namespace cuttle
