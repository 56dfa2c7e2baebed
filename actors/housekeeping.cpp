#include "actors/housekeeping.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <utility>

#include "actors/clean_up.hpp"
#include "actors/failure.hpp"
#include "actors/mailbox.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;

constexpr auto pending_interval = 1min;
// Between two looks whether the pods are loaded, for the sweep at the start.
constexpr auto load_patience = 30s;
constexpr auto first_orphan_check = 1min;

class housekeeping {
public:
  static inline const char* name = "cuttle.housekeeping";

  housekeeping(housekeeping_actor::pointer self, context_ptr context,
               task_intake_actor intake)
    : self_(self), context_(std::move(context)), intake_(std::move(intake)) {
    install_handlers(self_);
  }

  ~housekeeping() {
    orphans_.dispose();
    pending_.dispose();
    workspaces_.dispose();
  }

  housekeeping(const housekeeping&) = delete;
  housekeeping& operator=(const housekeeping&) = delete;

  housekeeping_actor::behavior_type make_behavior() {
    auto& settings = context_->settings;
    if (!settings.disable_pod_cleanup) {
      check_orphans(first_orphan_check);
      check_workspaces(0ms);
    }
    if (settings.pending_limit)
      check_pending(0ms);
    return {
      [this](const workspaces_listed& x) { on_workspaces(x); },
      [](const workspace_removed& x) {
        if (x.reason.code != errc::none)
          telemetry::warn("workspace-not-removed", {{"reason", x.reason.text}});
      },
    };
  }

private:
  using operations = std::vector<operation_summary>;

  template <class F>
  void with_operations(F f) {
    with_operations(f, [] {});
  }

  // Until the pods are loaded, nobody knows what is in use.
  template <class F, class G>
  void with_operations(F f, G not_loaded) {
    self_->request(intake_, caf::infinite, summary_atom_v)
      .then(
        [f, not_loaded](const intake_summary& x) {
          if (x.loaded)
            f(x.operations);
          else
            not_loaded();
        },
        [](const caf::error&) {});
  }

  void check_orphans(std::chrono::milliseconds in) {
    orphans_ = self_->run_delayed(in, [this] {
      auto age = context_->settings.orphan_age;
      with_operations([this, age](const operations& xs) {
        for (auto& ticket : find_orphans(xs, context_->now(), age))
          self_->send(intake_, collect_orphan{ticket});
      });
      check_orphans(std::max<std::chrono::minutes>(age, 1min));
    });
  }

  void check_pending(std::chrono::milliseconds in) {
    pending_ = self_->run_delayed(in, [this] {
      auto limit = *context_->settings.pending_limit;
      with_operations([this, limit](const operations& xs) {
        for (auto& ticket : find_stuck(xs, context_->now(), limit))
          self_->send(intake_, expire_pending{ticket, limit});
      });
      check_pending(pending_interval);
    });
  }

  void check_workspaces(std::chrono::milliseconds in) {
    workspaces_ = self_->run_delayed(in, [this] {
      context_->store.list(
        [box = box()](outcome<std::vector<workspace::workspace_info>> result) {
          workspaces_listed message;
          if (result)
            for (auto& x : *result)
              message.entries.push_back({std::move(x.ticket), x.written});
          else
            message.reason = std::move(result.error());
          box.post(std::move(message));
        });
      check_workspaces(context_->settings.workspace_sweep);
    });
  }

  void on_workspaces(const workspaces_listed& x) {
    if (x.reason.code != errc::none) {
      telemetry::warn("workspaces-not-listed", {{"reason", x.reason.text}});
      return;
    }
    auto sweep = [this, entries = x.entries](const operations& xs) {
      for (auto& ticket : find_stale(entries, xs, context_->now(),
                                     context_->settings.workspace_age)) {
        telemetry::info("stale-workspace-removed",
                        {{"ticket", ticket.task_id}});
        context_->store.remove(ticket, [box = box()](outcome<void> result) {
          box.post(
            workspace_removed{result ? failure{} : std::move(result.error())});
        });
      }
    };
    with_operations(sweep, [this] { check_workspaces(load_patience); });
  }

  mailbox<housekeeping_actor> box() {
    return mailbox<housekeeping_actor>{housekeeping_actor{self_}};
  }

  housekeeping_actor::pointer self_;
  context_ptr context_;
  task_intake_actor intake_;
  caf::disposable orphans_;
  caf::disposable pending_;
  caf::disposable workspaces_;
};

} // namespace

housekeeping_actor spawn_housekeeping(caf::local_actor& parent,
                                      context_ptr context,
                                      task_intake_actor intake) {
  using impl = housekeeping_actor::stateful_impl<housekeeping>;
  return parent.spawn<impl, caf::linked>(std::move(context), std::move(intake));
}

} // namespace cuttle
