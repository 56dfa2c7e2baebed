#include "actors/health.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <map>
#include <utility>

#include "actors/failure.hpp"

namespace cuttle {

namespace {

class health {
public:
  static inline const char* name = "cuttle.health";

  health(health_actor::pointer self, context_ptr context, worker_actor root)
    : self_(self), context_(std::move(context)), root_(std::move(root)) {
    install_handlers(self_);
  }

  health_actor::behavior_type make_behavior() {
    return {
      [this](const component_report& x) { on_report(x); },
      // To be here at all says that the scheduler runs.
      [](live_atom) {
        return probe_report{true, "alive"};
      },
      [this](ready_atom) { return ready(); },
      [this](drain_atom) { draining_ = true; },
    };
  }

private:
  void on_report(const component_report& x) {
    auto& known = components_[x.component];
    known = x;
    if (x.component == "pods" && x.ok && !std::exchange(loaded_, true))
      self_->send(root_, start_atom_v);
  }

  probe_report ready() const {
    if (draining_)
      return {false, "The worker is about to stop."};
    if (!loaded_)
      return {false, "The script pods are not loaded yet"
                       + text_of("cluster", ": ") + "."};
    auto any = false;
    std::string reasons;
    for (auto& [component, report] : components_) {
      if (!component.starts_with("server:"))
        continue;
      any = any || report.ok;
      if (!report.ok)
        reasons.append(" ").append(component, 7).append(": " + report.text);
    }
    if (!any)
      return {false, "No server is connected." + reasons};
    return {true, "ready"};
  }

  std::string text_of(const std::string& component, const char* prefix) const {
    auto i = components_.find(component);
    return i == components_.end() || i->second.ok ? ""
                                                  : prefix + i->second.text;
  }

  health_actor::pointer self_;
  context_ptr context_;
  worker_actor root_;
  std::map<std::string, component_report> components_;
  bool loaded_ = false;
  bool draining_ = false;
};

} // namespace

health_actor spawn_health(caf::local_actor& parent, context_ptr context,
                          worker_actor root) {
  using impl = health_actor::stateful_impl<health>;
  return parent.spawn<impl, caf::linked>(std::move(context), std::move(root));
}

} // namespace cuttle
