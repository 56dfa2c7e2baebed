#pragma once

#include <caf/actor_addr.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <map>
#include <set>
#include <utility>

#include "actors/creation_pace.hpp"
#include "actors/failure.hpp"
#include "actors/fair_queue.hpp"
#include "actors/isolation.hpp"
#include "actors/mailbox.hpp"
#include "actors/operation.hpp"
#include "actors/task_intake.hpp"
#include "actors/task_log.hpp"
#include "actors/tombstones.hpp"
#include "actors/waiting_room.hpp"
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
    bool urgent = false;
    // Among the scripts of one tenant, for its turn.
    std::uint64_t order = 0;
    // It was kept on the volume when its turn came.
    bool kept = false;
    // The task log knows that the API server has too much to do.
    bool told_busy = false;
    // How many were before it when the task log was last told.
    std::optional<std::size_t> quota_before;
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
  using status_promise = caf::typed_response_promise<script_status>;

  // Open calls about a script beyond the limit.
  struct guest_calls {
    std::vector<status_promise> starts;
    std::vector<std::pair<status_promise, std::int64_t>> cancels;
    std::vector<caf::typed_response_promise<void>> completes;
    caf::disposable timer;
  };

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
    if (auto* guest = room_.find(x.ticket.key())) {
      if constexpr (std::is_same_v<Request, cancel_script>)
        return cancel_guest(*guest, cursor);
      else
        return guest_status(*guest, cursor);
    }
    if (auto* stone = dead_.find(x.ticket, context_->now());
        stone && !stone->lines.empty())
      return ended(x.ticket, cursor, *stone);
    if (!known())
      return not_loaded();
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

  // -- beyond the limit of operations ---------------------------------------

  // Pods and kept requests of earlier processes are known.
  bool known() const {
    return loaded_ && requests_known_;
  }

  static caf::error not_loaded();

  // Whether there is no room for another operation.
  bool full(bool urgent) const;

  void list_requests();

  void on_requests(const requests_listed& x);

  caf::result<script_status> wait_outside(const start_script& x);

  // Its StartScript came again.
  caf::result<script_status> start_again(waiting_room::guest& guest);

  void on_kept(const request_kept& x);

  // Reads the requests of those whose turn it is.
  void admit_next();

  void on_loaded(const request_loaded& x);

  void admit(const request_loaded& x);

  script_status guest_status(waiting_room::guest& guest, std::int64_t cursor);

  caf::result<script_status> cancel_guest(waiting_room::guest& guest,
                                          std::int64_t cursor);

  caf::result<void> complete_guest(waiting_room::guest& guest);

  // Nobody wants it any more.
  void dismiss(waiting_room::guest& guest);

  void remove_request(const std::string& key);

  void remove_request_of(const script_ticket& ticket);

  void on_dropped(const request_dropped& x);

  // Its calls are answered, whatever it waits for, after the patience.
  void answer_late(const std::string& key);

  void answer_leaving(const std::string& key, bool gone);

  guest_calls take_calls(const std::string& key);

  // Forgets a request whose pod there is.
  void drop_request(const script_ticket& ticket);

  void count_guests();

  mailbox<task_intake_actor> box() {
    return mailbox<task_intake_actor>{task_intake_actor{self_}};
  }

  // -- creation slots -------------------------------------------------------

  // Queues for a creation slot, and tells why it waits if it does.
  void queue(const std::string& key);

  void push(fair_queue& to, const std::string& key);

  void begin_next();

  void on_creation_done(const creation_done& x);

  void on_creation_held(const creation_held& x);

  // Nothing is created for a while.
  void pause_creations(std::chrono::milliseconds time);

  // One of those that wait for room in a quota tries again.
  void probe_quota();

  void probe_quota_in(std::chrono::milliseconds time);

  // A pod has ended: a quota may have room.
  void on_room();

  // Takes a script out of all queues for its creation.
  void leave_queues(const std::string& key);

  void count_queued();

  void say(const std::string& key, std::string text);

  // -- the cluster ----------------------------------------------------------

  void on_pods(const pods_listed& x);

  void on_pod(const pod_snapshot& pod);

  void keep_pod(entry& e, const pod_snapshot& pod);

  // Its ticket has ended: it goes, or has to.
  void suspect_stray(const pod_snapshot& pod);

  // The pod goes.
  void clear_stray(const pod_snapshot& pod);

  // Nobody waits for this pod.
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

  // An operation for a command; the lock, then the creation slot.
  entry& run(const script_ticket& ticket, operation_plan plan);

  void erase(entries::iterator i);

  // After each change of their number.
  void count_operations();

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
  telemetry::gauge& guests_;
  telemetry::gauge& longest_wait_;
  telemetry::gauge& window_;
  telemetry::gauge& quota_waiting_;
  telemetry::counter& refused_busy_;
  telemetry::counter& refused_quota_;
  std::optional<kubernetes::cluster_version> version_;
  entries entries_;
  std::map<std::string, std::string> by_pod_;
  isolation_locks locks_;
  std::map<std::string, lock_timers> lock_timers_;
  std::uint64_t orders_ = 0;
  fair_queue queue_;
  std::set<std::string> creating_;
  creation_pace pace_;
  caf::disposable pace_timer_;
  // Those for which a quota had no room, or that came behind them.
  fair_queue short_;
  // The one of them that tries now.
  std::string probing_;
  unsigned probes_ = 0;
  std::optional<std::chrono::milliseconds> probe_in_;
  caf::disposable probe_timer_;
  crypto::log_key seal_;
  waiting_room room_;
  std::map<std::string, guest_calls> calls_;
  caf::disposable requests_timer_;
  caf::disposable admit_timer_;
  caf::disposable quiet_timer_;
  bool requests_known_ = false;
  // The volume failed just now.
  bool admission_rests_ = false;
  // Pods of scripts that have ended, by UID.
  std::map<std::string, caf::disposable> strays_;
  std::set<caf::actor_addr> leaving_;
  tombstones dead_;
  bool loaded_ = false;
  bool draining_ = false;
};

} // namespace cuttle
