#include "actors/upgrade.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <utility>

#include "actors/failure.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle {

namespace {

class upgrade {
public:
  static inline const char* name = "cuttle.upgrade";

  upgrade(upgrade_actor::pointer self, context_ptr context,
          task_intake_actor intake, health_actor health,
          std::vector<server_connection_actor> servers)
    : self_(self), context_(std::move(context)), intake_(std::move(intake)),
      health_(std::move(health)), servers_(std::move(servers)) {
    install_handlers(self_);
  }

  upgrade_actor::behavior_type make_behavior() {
    return {
      [this](drain_atom) { return drain(); },
    };
  }

private:
  caf::result<void> drain() {
    auto reply = self_->make_response_promise<void>();
    waiting_.push_back(reply);
    if (waiting_.size() > 1)
      return reply;
    telemetry::info("drain-started", {{"servers", servers_.size()}});
    self_->send(health_, drain_atom_v);
    self_->send(intake_, drain_atom_v);
    open_ = servers_.size();
    for (auto& server : servers_)
      self_->request(server, caf::infinite, drain_atom_v)
        .then([this] { on_closed(); },
              [this](const caf::error&) { on_closed(); });
    if (open_ == 0)
      finish();
    return reply;
  }

  void on_closed() {
    if (--open_ == 0)
      finish();
  }

  void finish() {
    telemetry::info("drain-finished");
    for (auto& reply : waiting_)
      reply.deliver();
    waiting_.clear();
  }

  upgrade_actor::pointer self_;
  context_ptr context_;
  task_intake_actor intake_;
  health_actor health_;
  std::vector<server_connection_actor> servers_;
  std::vector<caf::typed_response_promise<void>> waiting_;
  std::size_t open_ = 0;
};

} // namespace

upgrade_actor spawn_upgrade(caf::local_actor& parent, context_ptr context,
                            task_intake_actor intake, health_actor health,
                            std::vector<server_connection_actor> servers) {
  using impl = upgrade_actor::stateful_impl<upgrade>;
  return parent.spawn<impl, caf::linked>(std::move(context), std::move(intake),
                                         std::move(health), std::move(servers));
}

} // namespace cuttle
