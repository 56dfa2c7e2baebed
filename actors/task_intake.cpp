#include "actors/task_intake.hpp"

#include <caf/actor_addr.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <map>
#include <set>
#include <utility>

#include "actors/failure.hpp"
#include "actors/fair_queue.hpp"
#include "actors/operation.hpp"
#include "actors/task_log.hpp"
#include "actors/tombstones.hpp"
#include "infra/kubernetes/manifest.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle {

namespace {

// How often the tree of one ticket is rebuilt before its script is given up.
constexpr unsigned most_rebuilds = 3;

class task_intake {
public:
  static inline const char* name = "cuttle.task_intake";

  task_intake(task_intake_actor::pointer self, context_ptr context,
              health_actor health)
    : self_(self), context_(std::move(context)), health_(std::move(health)),
      in_flight_(context_->metrics.gauge("cuttle_operations",
                                         "Operations not completed yet.")),
      queued_(
        context_->metrics.gauge("cuttle_operations_queued",
                                "Operations that wait for a creation slot.")),
      started_(context_->metrics.counter("cuttle_operations_started_total",
                                         "Scripts taken from the server.")),
      broken_(context_->metrics.counter(
        "cuttle_operations_broken_total",
        "Operation trees that ended by an internal error.")) {
    install_handlers(self_);
    self_->set_exit_handler([this](caf::exit_msg& msg) { on_exit(msg); });
  }

  task_intake_actor::behavior_type make_behavior() {
    return {
      [this](const start_script& x) { return start(x); },
      [this](const get_status& x) { return status(x); },
      [this](const cancel_script& x) { return cancel(x); },
      [this](const complete_script& x) { return complete(x); },
      [this](const pods_listed& x) { on_pods(x); },
      [this](const pod_changed& x) { on_pod(x.pod); },
      [this](const pod_deleted& x) { on_pod_deleted(x); },
      [this](const pod_event_seen& x) { on_event(x); },
      [this](const version_known& x) {
        version_ = kubernetes::cluster_version{x.major, x.minor, {}};
      },
      [this](const creation_done& x) { on_creation_done(x.ticket); },
      [this](const operation_completed& x) { bury(x.ticket, x.exit_code, {}); },
      [this](const collect_orphan& x) { route(x); },
      [this](const expire_pending& x) { route(x); },
      [this](summary_atom) { return summary(); },
      [this](drain_atom) { draining_ = true; },
    };
  }

private:
  struct entry {
    script_ticket ticket;
    operation_actor actor;
    std::optional<pod_snapshot> pod;
    unsigned rebuilds = 0;
    // The server has had an answer to its StartScript.
    bool answered = false;
  };

  using entries = std::map<std::string, entry>;

  // -- requests of the server -----------------------------------------------

  caf::result<script_status> start(const start_script& x) {
    context_->step("task_intake.start_script", x.ticket);
    if (!x.ticket.valid())
      return to_error({errc::invalid_request,
                       "The script ticket is not 1 to 100 letters, digits, "
                       "'_', '.' or '-'."});
    if (auto i = entries_.find(x.ticket.key()); i != entries_.end())
      return self_->delegate(i->second.actor, get_status{x.ticket, 0});
    if (auto* stone = dead_.find(x.ticket, context_->now()))
      return ended(x.ticket, 0, *stone);
    if (!loaded_)
      return to_error({errc::unavailable, "The worker has not loaded the "
                                          "state of its pods yet."});
    if (draining_)
      return to_error({errc::shutting_down,
                       "The worker is about to stop and takes no new "
                       "operation; its successor will."});
    auto limit = context_->settings.operations_limit;
    if (entries_.size() >= limit)
      return to_error({errc::overloaded, "The worker has "
                                           + std::to_string(entries_.size())
                                           + " operations in flight, its limit "
                                             "(CUTTLE_OPERATIONS_LIMIT)."});
    started_.add();
    auto reply = self_->make_response_promise<script_status>();
    auto& made = make(x.ticket, {x.ticket,
                                 std::make_shared<start_script>(x),
                                 std::nullopt,
                                 version_,
                                 {}});
    self_->request(made.actor, caf::infinite, start_atom_v)
      .then(
        [this, reply, ticket = x.ticket](script_status& status) mutable {
          if (auto* known = find(ticket))
            known->answered = true;
          reply.deliver(std::move(status));
        },
        [this, reply, ticket = x.ticket](const caf::error& e) mutable {
          on_start_failed(ticket, e);
          reply.deliver(e);
        });
    queue_.push(path_of(x), x.ticket.key());
    begin_next();
    say_place(x.ticket);
    return reply;
  }

  // The operation said that it could not start: it is gone without a trace, and
  // the server may try again [RPC-05]. A broken tree passes on_exit instead.
  void on_start_failed(const script_ticket& ticket, const caf::error& reason) {
    if (reason.category() != caf::type_id_v<errc> || reason == errc::internal)
      return;
    if (auto i = entries_.find(ticket.key()); i != entries_.end()) {
      auto actor = i->second.actor;
      leaving_.insert(actor->address());
      erase(i);
      self_->send_exit(actor, caf::exit_reason::user_shutdown);
    }
  }

  caf::result<script_status> status(const get_status& x) {
    return ask(x, x.last_sequence);
  }

  caf::result<script_status> cancel(const cancel_script& x) {
    context_->step("task_intake.cancel_script", x.ticket);
    // A delayed StartScript of this ticket must not run any more
    // (tentacle-services 15).
    if (!find(x.ticket) && loaded_ && !dead_.find(x.ticket, context_->now())) {
      auto answer = unknown(x.ticket, x.last_sequence);
      bury(x.ticket, exit_cancelled,
           {{output_source::err, context_->now(),
             "The script was cancelled before it was started."}});
      return answer;
    }
    return ask(x, x.last_sequence);
  }

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
                                           const cancel_script& x) {
    auto reply = self_->make_response_promise<script_status>();
    self_->request<caf::message_priority::high>(operation, caf::infinite, x)
      .then(
        [reply](script_status& status) mutable {
          reply.deliver(std::move(status));
        },
        [reply](const caf::error& e) mutable { reply.deliver(e); });
    return reply;
  }

  caf::result<void> complete(const complete_script& x) {
    context_->step("task_intake.complete_script", x.ticket);
    auto i = entries_.find(x.ticket.key());
    if (i == entries_.end())
      return caf::unit;
    return self_->delegate(i->second.actor, complete_atom_v);
  }

  script_status unknown(const script_ticket& ticket, std::int64_t cursor) {
    script_status result;
    result.ticket = ticket;
    result.next_sequence = cursor;
    result.state = process_state::complete;
    result.exit_code = exit_pod_not_found;
    for (auto& text : pod_not_found_lines(kubernetes::script_pod_name(ticket)))
      result.lines.push_back(
        {output_source::err, context_->now(), std::move(text)});
    return result;
  }

  static script_status ended(const script_ticket& ticket, std::int64_t cursor,
                             const tombstones::stone& stone) {
    script_status result;
    result.ticket = ticket;
    result.lines = stone.lines;
    result.next_sequence = cursor;
    result.state = process_state::complete;
    result.exit_code = stone.exit_code;
    return result;
  }

  // -- creation slots -------------------------------------------------------

  void begin_next() {
    while (!queue_.empty()
           && creating_.size() < context_->settings.creations_limit) {
      auto key = *queue_.pop();
      auto i = entries_.find(key);
      if (i == entries_.end())
        continue;
      creating_.insert(key);
      self_->send(i->second.actor, begin_creation{});
    }
    queued_.set(static_cast<double>(queue_.size()));
  }

  // Why nothing happens yet, for who reads the task log.
  void say_place(const script_ticket& ticket) {
    auto before = queue_.before(ticket.key());
    auto* e = find(ticket);
    if (!before || !e)
      return;
    self_->send(e->actor, remark{{output_source::debug, context_->now(),
                                  waiting_text(*before + 1, queue_.size(),
                                               creating_.size())}});
  }

  void on_creation_done(const script_ticket& ticket) {
    creating_.erase(ticket.key());
    begin_next();
  }

  // -- the cluster ----------------------------------------------------------

  void on_pods(const pods_listed& x) {
    std::set<std::string> listed;
    for (auto& pod : x.pods) {
      listed.insert(pod.ticket.key());
      on_pod(pod);
    }
    // Also pods that were created and never seen since [MON-05].
    for (auto& [key, e] : entries_)
      if (!listed.contains(key))
        self_->send(e.actor, pod_missing{});
    if (!std::exchange(loaded_, true))
      telemetry::info("pods-loaded", {{"pods", x.pods.size()}});
    self_->send(
      health_,
      component_report{"pods", true, std::to_string(x.pods.size()) + " pods"});
  }

  void on_pod(const pod_snapshot& pod) {
    if (auto* e = find(pod.ticket)) {
      e->pod = pod;
      self_->send(e->actor, pod_changed{pod});
      return;
    }
    if (pod.deleting || !pod.ticket.valid())
      return;
    if (dead_.find(pod.ticket, context_->now()))
      return remove_stray(pod);
    telemetry::info("operation-adopted",
                    {{"ticket", pod.ticket.task_id}, {"pod", pod.name}});
    auto& e = make(pod.ticket, {pod.ticket, nullptr, pod, version_, {}});
    e.pod = pod;
    e.answered = true;
  }

  // Its ticket has ended: nobody waits for this pod.
  void remove_stray(const pod_snapshot& pod) {
    if (context_->settings.disable_pod_cleanup)
      return;
    telemetry::info("stray-pod-removed", {{"pod", pod.name}});
    context_->cluster.delete_pod(
      pod.name, pod.uid, std::chrono::seconds{0},
      [name = pod.name](outcome<void> result) {
        if (!result)
          telemetry::warn("pod-not-removed",
                          {{"pod", name}, {"reason", result.error().text}});
      });
  }

  void on_pod_deleted(const pod_deleted& x) {
    if (auto* e = find(x.pod.ticket)) {
      e->pod = x.pod;
      e->pod->deleting = true;
      self_->send(e->actor, x);
    }
  }

  void on_event(const pod_event_seen& x) {
    auto i = by_pod_.find(x.event.pod_name);
    if (i == by_pod_.end())
      return;
    if (auto e = entries_.find(i->second); e != entries_.end())
      self_->send(e->second.actor, x);
  }

  template <class Message>
  void route(const Message& x) {
    if (auto* e = find(x.ticket))
      self_->send(e->actor, x);
  }

  // -- entries --------------------------------------------------------------

  entry* find(const script_ticket& ticket) {
    auto i = entries_.find(ticket.key());
    return i == entries_.end() ? nullptr : &i->second;
  }

  entry& make(const script_ticket& ticket, operation_plan plan) {
    auto key = ticket.key();
    auto& e = entries_[key];
    e.ticket = ticket;
    e.actor = spawn_operation(*self_, context_, task_intake_actor{self_},
                              std::move(plan));
    by_pod_[kubernetes::script_pod_name(ticket)] = key;
    in_flight_.set(static_cast<double>(entries_.size()));
    return e;
  }

  void erase(entries::iterator i) {
    by_pod_.erase(kubernetes::script_pod_name(i->second.ticket));
    creating_.erase(i->first);
    // What takes the ticket's place later queues for itself.
    queue_.erase(i->first);
    entries_.erase(i);
    in_flight_.set(static_cast<double>(entries_.size()));
    begin_next();
  }

  void bury(const script_ticket& ticket, std::int32_t code,
            std::vector<output_line> lines) {
    dead_.add(ticket, {code, std::move(lines),
                       context_->now() + context_->patience.tombstone});
  }

  // Every end of an operation passes here once.
  void on_exit(caf::exit_msg& msg) {
    for (auto i = entries_.begin(); i != entries_.end(); ++i) {
      if (i->second.actor != msg.source)
        continue;
      if (msg.reason == caf::exit_reason::user_shutdown)
        return erase(i);
      return on_broken(i, to_failure(msg.reason));
    }
    // An operation that failed to start was forgotten before it ended.
    if (leaving_.erase(msg.source) > 0)
      return;
    self_->quit(std::move(msg.reason));
  }

  void on_broken(entries::iterator i, const failure& reason) {
    auto e = std::move(i->second);
    auto rebuilds = e.rebuilds + 1;
    broken_.add();
    telemetry::error("operation-broke", {{"ticket", e.ticket.task_id},
                                         {"reason", reason.text},
                                         {"rebuilds", rebuilds}});
    erase(i);
    if (e.pod && !e.pod->deleting && rebuilds <= most_rebuilds) {
      auto& next
        = make(e.ticket, {e.ticket, nullptr, e.pod, version_,
                          "The worker lost its view of this script ("
                            + reason.text + ") and rebuilt it from its pod."});
      next.pod = std::move(e.pod);
      next.rebuilds = rebuilds;
      next.answered = true;
      return;
    }
    // Without an answer the server repeats its StartScript, and finds the pod
    // if there is one.
    if (!e.answered && !e.pod)
      return;
    if (e.pod)
      remove_stray(*e.pod);
    bury(e.ticket, exit_fatal,
         {{output_source::err, context_->now(),
           "The worker could not go on with this script because of an internal "
           "error: "
             + reason.text + " Its pod was deleted."}});
  }

  intake_summary summary() const {
    intake_summary result;
    for (auto& [key, e] : entries_) {
      operation_summary s;
      s.ticket = e.ticket;
      if (e.pod) {
        auto verdict = kubernetes::judge(*e.pod);
        s.task_id = e.pod->task_id;
        s.phase = verdict.phase;
        s.created_at = e.pod->created_at;
        s.finished_at = verdict.finished_at;
      }
      result.operations.push_back(std::move(s));
    }
    result.queued = queue_.size();
    result.loaded = loaded_;
    result.draining = draining_;
    return result;
  }

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
  fair_queue queue_;
  std::set<std::string> creating_;
  std::set<caf::actor_addr> leaving_;
  tombstones dead_;
  bool loaded_ = false;
  bool draining_ = false;
};

} // namespace

task_intake_actor spawn_task_intake(caf::local_actor& parent,
                                    context_ptr context, health_actor health) {
  using impl = task_intake_actor::stateful_impl<task_intake>;
  return parent.spawn<impl, caf::linked>(std::move(context), std::move(health));
}

} // namespace cuttle
