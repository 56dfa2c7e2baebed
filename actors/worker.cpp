#include "actors/worker.hpp"

#include <caf/actor_system.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <deque>
#include <utility>
#include <vector>

#include "actors/event_recorder.hpp"
#include "actors/failure.hpp"
#include "actors/file_transfer.hpp"
#include "actors/health.hpp"
#include "actors/housekeeping.hpp"
#include "actors/pod_watch.hpp"
#include "actors/server_connection.hpp"
#include "actors/task_intake.hpp"
#include "actors/upgrade.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;

// More breaks than this within the window end the process; Kubernetes starts
// it anew.
constexpr std::size_t most_restarts = 5;
constexpr auto restart_window = 1min;

class worker {
public:
  static inline const char* name = "cuttle.worker";

  worker(worker_actor::pointer self, context_ptr context)
    : self_(self), context_(std::move(context)) {
    install_handlers(self_);
    self_->set_exit_handler([this](caf::exit_msg& msg) { on_exit(msg); });
  }

  worker_actor::behavior_type make_behavior() {
    start_children();
    return {
      [this](drain_atom) { return drain(); },
      [this](live_atom x) -> caf::result<probe_report> {
        return self_->delegate(health_, x);
      },
      [this](ready_atom x) -> caf::result<probe_report> {
        return self_->delegate(health_, x);
      },
      [this](start_atom) { connect(); },
    };
  }

private:
  // -- start ----------------------------------------------------------------

  // The children depend on one another, and what they know is in the cluster:
  // when one breaks, all are made anew.
  void start_children() {
    health_ = keep(spawn_health(*self_, context_, worker_actor{self_}));
    intake_ = keep(spawn_task_intake(*self_, context_, health_));
    files_ = keep(spawn_file_transfer(*self_, context_));
    keep(spawn_housekeeping(*self_, context_, intake_));
    event_recorder_actor recorder;
    if (context_->settings.capture_metrics)
      recorder = keep(spawn_event_recorder(*self_, context_));
    keep(spawn_pod_watch(*self_, context_, intake_, health_, recorder));
  }

  // Servers may come once the pods are known, so that no ticket is unknown by
  // mistake [MON-06].
  void connect() {
    if (connected_ || draining_)
      return;
    connected_ = true;
    std::vector<server_connection_actor> servers;
    for (auto& server : context_->servers)
      servers.push_back(keep(spawn_server_connection(
        *self_, context_, server, {intake_, files_, health_})));
    upgrade_ = keep(
      spawn_upgrade(*self_, context_, intake_, health_, std::move(servers)));
  }

  template <class Handle>
  Handle keep(Handle child) {
    children_.push_back(caf::actor_cast<caf::actor>(child));
    return child;
  }

  // -- trouble --------------------------------------------------------------

  void on_exit(caf::exit_msg& msg) {
    auto child = std::find_if(
      children_.begin(), children_.end(),
      [&](const caf::actor& x) { return x.address() == msg.source; });
    if (child == children_.end()) {
      // A child of an earlier generation, or somebody ends us.
      if (msg.reason != caf::exit_reason::kill)
        self_->quit(std::move(msg.reason));
      return;
    }
    telemetry::error("worker-part-broke", {{"reason", to_string(msg.reason)}});
    if (draining_)
      return finish();
    auto now = self_->clock().now();
    while (!restarts_.empty() && now - restarts_.front() > restart_window)
      restarts_.pop_front();
    restarts_.push_back(now);
    stop_children();
    if (restarts_.size() > most_restarts) {
      telemetry::error("worker-gave-up", {{"restarts", restarts_.size()}});
      self_->quit(caf::make_error(
        errc::internal, std::string{"Parts of the worker broke more than "
                                    "5 times within a minute."}));
      return;
    }
    connected_ = false;
    start_children();
  }

  void stop_children() {
    auto children = std::exchange(children_, {});
    for (auto& child : children)
      self_->send_exit(child, caf::exit_reason::kill);
    upgrade_ = nullptr;
  }

  // -- stop -----------------------------------------------------------------

  caf::result<void> drain() {
    auto reply = self_->make_response_promise<void>();
    drain_promises_.push_back(reply);
    if (std::exchange(draining_, true))
      return reply;
    if (!upgrade_)
      finish();
    else
      self_->request(upgrade_, caf::infinite, drain_atom_v)
        .then([this] { finish(); }, [this](const caf::error&) { finish(); });
    return reply;
  }

  void finish() {
    for (auto& reply : std::exchange(drain_promises_, {}))
      reply.deliver();
    stop_children();
    self_->quit(caf::exit_reason::user_shutdown);
  }

  worker_actor::pointer self_;
  context_ptr context_;
  health_actor health_;
  task_intake_actor intake_;
  file_transfer_actor files_;
  upgrade_actor upgrade_;
  std::vector<caf::actor> children_;
  std::deque<caf::actor_clock::time_point> restarts_;
  bool connected_ = false;
  bool draining_ = false;
  std::vector<caf::typed_response_promise<void>> drain_promises_;
};

} // namespace

worker_actor spawn_worker(caf::actor_system& system, context_ptr context) {
  return system.spawn<worker_actor::stateful_impl<worker>>(std::move(context));
}

} // namespace cuttle
