#pragma once

#include <caf/actor_addr.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <map>
#include <set>
#include <utility>

#include "actors/failure.hpp"
#include "actors/fair_queue.hpp"
#include "actors/isolation.hpp"
#include "actors/operation.hpp"
#include "actors/task_intake.hpp"
#include "actors/task_log.hpp"
#include "actors/tombstones.hpp"
#include "infra/kubernetes/manifest.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle {

/// Owns the operations.
/// Shared by the files of this actor only.
class task_intake {
public:
  static inline const char* name = "cuttle.task_intake";

  task_intake(task_intake_actor::pointer self, context_ptr context,
              health_actor health);

  ~task_intake();

  task_intake(const task_intake&) = delete;
  task_intake& operator=(const task_intake&) = delete;

  task_intake_actor::behavior_type make_behavior();

private:
  struct entry {
    script_ticket ticket;
    operation_actor actor;
    // Whom it is for, for its turn at a creation slot.
    queue_path path;
    std::optional<pod_snapshot> pod;
    unsigned rebuilds = 0;
    // When the pod was first seen failed without a container that ended.
    std::optional<timestamp> failed_at;
    // The server has had an answer to its StartScript.
    bool answered = false;
  };

  struct lock_timers {
    caf::disposable busy;
    caf::disposable limit;

    void dispose() {
      busy.dispose();
      limit.dispose();
    }
  };

  using entries = std::map<std::string, entry>;

  // -- requests of the server -----------------------------------------------

  caf::result<script_status> start(const start_script& x);

  // The operation said that it could not start: it is gone without a trace, and
  // the server may try again [RPC-05]. A broken tree passes on_exit instead.
  void on_start_failed(const script_ticket& ticket, const caf::error& reason);

  caf::result<script_status> status(const get_status& x);

  caf::result<script_status> cancel(const cancel_script& x);

  template <class Request>
  caf::result<script_status> ask(const Request& x, std::int64_t cursor) {
    if (auto* e = find(x.ticket)) {
      if constexpr (std::is_same_v<Request, cancel_script>)
        return pass_urgently(e->actor, x);
      else
        return self_->delegate(e->actor, x);
    }
    if (auto* stone = dead_.find(x.ticket, context_->now());
        stone && !stone->lines.empty())
      return ended(x.ticket, cursor, *stone);
    if (!loaded_)
      return to_error({errc::unavailable, "The worker has not loaded the "
                                          "state of its pods yet."});
    return unknown(x.ticket, cursor);
  }

  // A cancellation overtakes whatever waits in the operation's mailbox. (To
  // delegate with another priority would change the request's ID, and the
  // answer would be lost.)
  caf::result<script_status> pass_urgently(const operation_actor& operation,
                                           const cancel_script& x);

  caf::result<void> complete(const complete_script& x);

  script_status unknown(const script_ticket& ticket, std::int64_t cursor);

  static script_status ended(const script_ticket& ticket, std::int64_t cursor,
                             const tombstones::stone& stone);

  // -- isolation ------------------------------------------------------------

  // The lock comes before the creation slot [ISO-01].
  void isolate(const start_script& x);

  void busy(const std::string& key);

  void lock_timed_out(const std::string& key, std::chrono::milliseconds limit);

  // Somebody cancels a script that waits for its lock.
  void leave_lock_queue(const std::string& key);

  // Lets those behind it go on.
  void release_lock(const std::string& key);

  void say_marked(const std::string& key, const char* marker, std::string text);

  // -- creation slots -------------------------------------------------------

  // Queues for a creation slot, and tells why it waits if it does.
  void queue(const std::string& key);

  void begin_next();

  void on_creation_done(const script_ticket& ticket);

  // -- the cluster ----------------------------------------------------------

  void on_pods(const pods_listed& x);

  void on_pod(const pod_snapshot& pod);

  void keep_pod(entry& e, const pod_snapshot& pod);

  // Its ticket has ended: nobody waits for this pod.
  void remove_stray(const pod_snapshot& pod);

  void on_pod_deleted(const pod_deleted& x);

  void on_event(const pod_event_seen& x);

  template <class Message>
  void route(const Message& x) {
    if (auto* e = find(x.ticket))
      self_->send(e->actor, x);
  }

  // -- entries --------------------------------------------------------------

  entry* find(const script_ticket& ticket);

  entry& make(const script_ticket& ticket, operation_plan plan);

  void erase(entries::iterator i);

  void bury(const script_ticket& ticket, std::int32_t code,
            std::vector<output_line> lines);

  // Every end of an operation passes here once.
  void on_exit(caf::exit_msg& msg);

  void on_broken(entries::iterator i, const failure& reason);

  intake_summary summary() const;

  task_intake_actor::pointer self_;
  context_ptr context_;
  health_actor health_;
  telemetry::gauge& in_flight_;
  telemetry::gauge& queued_;
  telemetry::counter& started_;
  telemetry::counter& broken_;
  std::optional<kubernetes::cluster_version> version_;
  entries entries_;
  std::map<std::string, std::string> by_pod_;
  isolation_locks locks_;
  std::map<std::string, lock_timers> lock_timers_;
  fair_queue queue_;
  std::set<std::string> creating_;
  std::set<caf::actor_addr> leaving_;
  tombstones dead_;
  bool loaded_ = false;
  bool draining_ = false;
};

} // namespace cuttle
