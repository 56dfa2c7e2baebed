#include "actors/pod_watch.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <utility>

#include "actors/failure.hpp"
#include "actors/mailbox.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle {

namespace {

class pod_watch {
public:
  static inline const char* name = "cuttle.pod_watch";

  pod_watch(pod_watch_actor::pointer self, context_ptr context,
            task_intake_actor intake, health_actor health,
            event_recorder_actor recorder)
    : self_(self), context_(std::move(context)), intake_(std::move(intake)),
      health_(std::move(health)), recorder_(std::move(recorder)) {
    install_handlers(self_);
  }

  ~pod_watch() {
    for (auto call : {pods_, events_, version_})
      if (call != 0)
        context_->cluster.cancel(call);
  }

  pod_watch(const pod_watch&) = delete;
  pod_watch& operator=(const pod_watch&) = delete;

  pod_watch_actor::behavior_type make_behavior() {
    open();
    return {
      [this](const pods_listed& x) { self_->send(intake_, x); },
      [this](const pod_changed& x) { self_->send(intake_, x); },
      [this](const pod_deleted& x) { self_->send(intake_, x); },
      [this](const pod_event_seen& x) { on_event(x); },
      [this](const version_known& x) { self_->send(intake_, x); },
      [this](const component_report& x) { on_report(x); },
    };
  }

private:
  void open() {
    mailbox<pod_watch_actor> box{pod_watch_actor{self_}};
    auto trouble = [box](const failure& reason, std::chrono::milliseconds) {
      box.post(
        component_report{"cluster", reason.code == errc::none,
                         reason.code == errc::none ? "watching" : reason.text});
    };
    pods_ = context_->cluster.watch_pods({
      [box](std::vector<pod_snapshot> pods) {
        box.post(component_report{"cluster", true, "watching"});
        box.post(pods_listed{std::move(pods)});
      },
      [box](pod_snapshot pod) { box.post(pod_changed{std::move(pod)}); },
      [box](pod_snapshot pod) { box.post(pod_deleted{std::move(pod)}); },
      trouble,
    });
    version_ = context_->cluster.get_version(
      [box](outcome<kubernetes::cluster_version> version) {
        if (version)
          box.post(version_known{version->major, version->minor});
      });
    if (context_->settings.disable_pod_events && !recorder_)
      return;
    events_ = context_->cluster.watch_pod_events({
      [box](std::vector<pod_event> events) {
        for (auto& event : events)
          box.post(pod_event_seen{std::move(event)});
      },
      [box](pod_event event) { box.post(pod_event_seen{std::move(event)}); },
      [](pod_event) {},
      // Events are told to the user and decide nothing: the pods' watch alone
      // says how the cluster is.
      [](const failure& reason, std::chrono::milliseconds) {
        if (reason.code != errc::none)
          telemetry::info("event-watch-broke", {{"reason", reason.text}});
      },
    });
  }

  void on_event(const pod_event_seen& x) {
    if (!context_->settings.disable_pod_events)
      self_->send(intake_, x);
    if (recorder_)
      self_->send(recorder_, x);
  }

  void on_report(const component_report& x) {
    if (x.ok != ok_) {
      ok_ = x.ok;
      if (x.ok)
        telemetry::info("cluster-watched");
      else
        telemetry::warn("cluster-watch-broke", {{"reason", x.text}});
    }
    self_->send(health_, x);
  }

  pod_watch_actor::pointer self_;
  context_ptr context_;
  task_intake_actor intake_;
  health_actor health_;
  // May be null.
  event_recorder_actor recorder_;
  kubernetes::call_id pods_ = 0;
  kubernetes::call_id events_ = 0;
  kubernetes::call_id version_ = 0;
  std::optional<bool> ok_;
};

} // namespace

pod_watch_actor spawn_pod_watch(caf::local_actor& parent, context_ptr context,
                                task_intake_actor intake, health_actor health,
                                event_recorder_actor recorder) {
  using impl = pod_watch_actor::stateful_impl<pod_watch>;
  return parent.spawn<impl, caf::linked>(std::move(context), std::move(intake),
                                         std::move(health),
                                         std::move(recorder));
}

} // namespace cuttle
