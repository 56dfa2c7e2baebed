#include "actors/event_recorder.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <utility>
#include <vector>

#include "actors/failure.hpp"
#include "actors/mailbox.hpp"
#include "infra/kubernetes/event_metrics.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;

// What comes together is written together: a first list of events, say
// [EVT-01].
constexpr auto gathering = 10s;
// From one write to the next, also after a failure.
constexpr auto write_interval = 10min;
// Made by the chart, empty [MET-01].
constexpr auto config_map = "kubernetes-agent-metrics";

class event_recorder {
public:
  static inline const char* name = "cuttle.event_recorder";

  event_recorder(event_recorder_actor::pointer self, context_ptr context)
    : self_(self), context_(std::move(context)),
      sources_(kubernetes::event_sources::of(context_->settings.own_pod)) {
    install_handlers(self_);
  }

  ~event_recorder() {
    timer_.dispose();
  }

  event_recorder(const event_recorder&) = delete;
  event_recorder& operator=(const event_recorder&) = delete;

  event_recorder_actor::behavior_type make_behavior() {
    return {
      [this](const pod_event_seen& x) { take(x.event); },
      [this](const events_recorded& x) { on_recorded(x); },
    };
  }

private:
  // What cannot be written for long is not kept for ever: the newest are.
  void take(const pod_event& event) {
    if (!kubernetes::counts(event, sources_))
      return;
    events_.push_back(event);
    if (events_.size() > kubernetes::event_metrics::most)
      events_.erase(events_.begin());
    if (!waiting_)
      write_after(gathering);
  }

  void write_after(std::chrono::milliseconds wait) {
    waiting_ = true;
    timer_ = self_->run_delayed(wait, [this] { write(); });
  }

  void write() {
    waiting_ = false;
    if (events_.empty())
      return;
    write_after(write_interval);
    if (writing_ > 0)
      return;
    writing_ = events_.size();
    kubernetes::store_event_metrics(
      context_->cluster, config_map, events_, sources_,
      [box = mailbox<event_recorder_actor>{event_recorder_actor{self_}}](
        outcome<void> result) {
        box.post(events_recorded{result ? failure{} : result.error()});
      });
  }

  // A failure is nobody's business but the log's [MET-02]; the events wait for
  // the next time.
  void on_recorded(const events_recorded& x) {
    auto written = std::min(std::exchange(writing_, 0), events_.size());
    if (x.reason.code != errc::none) {
      telemetry::info("events-not-recorded", {{"reason", x.reason.text}});
      return;
    }
    events_.erase(events_.begin(),
                  events_.begin() + static_cast<std::ptrdiff_t>(written));
  }

  event_recorder_actor::pointer self_;
  context_ptr context_;
  kubernetes::event_sources sources_;
  std::vector<pod_event> events_;
  std::size_t writing_ = 0;
  // For the next write.
  bool waiting_ = false;
  caf::disposable timer_;
};

} // namespace

event_recorder_actor spawn_event_recorder(caf::local_actor& parent,
                                          context_ptr context) {
  using impl = event_recorder_actor::stateful_impl<event_recorder>;
  return parent.spawn<impl, caf::linked>(std::move(context));
}

} // namespace cuttle
