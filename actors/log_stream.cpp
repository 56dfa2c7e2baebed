#include "actors/log_stream.hpp"

#include <array>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/failure.hpp"
#include "actors/log_flow.hpp"
#include "infra/kubernetes/manifest.hpp"
#include "infra/podlog/reader.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;

// Pauses before a follow stream is opened again, by failures in a row.
constexpr std::array<std::chrono::milliseconds, 6> reopen_pauses{
  100ms, 250ms, 500ms, 1s, 2s, 5s};

class log_stream {
public:
  static inline const char* name = "cuttle.log_stream";

  log_stream(log_stream_actor::pointer self, context_ptr context,
             operation_actor operation, script_ticket ticket,
             std::size_t window)
    : self_(self), context_(std::move(context)),
      operation_(std::move(operation)), ticket_(std::move(ticket)),
      window_(window) {
    install_handlers(self_);
  }

  ~log_stream() {
    reopen_.dispose();
    deadline_.dispose();
    if (flow_)
      flow_->cancel();
  }

  log_stream(const log_stream&) = delete;
  log_stream& operator=(const log_stream&) = delete;

  log_stream_actor::behavior_type make_behavior() {
    return {
      [this](const open_log& x) { open(x); },
      [this](const log_credit& x) { on_credit(x.bytes); },
      [this](container_ended_atom) { on_container_ended(); },
      [this](const log_data& x) { on_data(x); },
      [this](const log_closed& x) { on_closed(x); },
    };
  }

private:
  // -- the stream -----------------------------------------------------------

  void open(const open_log& x) {
    step("log_stream.open_log");
    pod_ = x.pod;
    reader_.emplace(context_->log_key(ticket_), x.delivered);
    outstanding_ = 0;
    failures_ = 0;
    ended_ = false;
    // Nothing of an earlier reading that was about to end counts any more.
    draining_ = false;
    reason_ = {};
    how_ = {};
    follow({});
    if (container_ended_)
      arm_deadline();
  }

  void follow(std::optional<timestamp> since) {
    reopen_.dispose();
    if (flow_)
      flow_->cancel();
    ++stream_;
    streaming_ = true;
    progress_ = false;
    flow_ = std::make_shared<log_flow>(
      context_->cluster, mailbox<log_stream_actor>{log_stream_actor{self_}},
      stream_);
    log_flow::open(flow_, {pod_, pod_, since});
    flow_->set_room(has_room());
  }

  void on_data(const log_data& x) {
    if (x.stream != stream_ || !reader_ || ended_)
      return;
    step("log_stream.log_data");
    auto before = reader_->last_number();
    auto advice = reader_->feed(x.bytes);
    if (reader_->last_number() > before) {
      progress_ = true;
      failures_ = 0;
    }
    if (advice == podlog::reader::advice::reread)
      return reread();
    flush();
    if (!ended_)
      flow_->handled(x.bytes.size(), has_room());
  }

  // Numbers are missing: the stream skipped something. What the kubelet still
  // has comes from the start.
  void reread() {
    telemetry::info("log-reread",
                    {{"pod", pod_}, {"after", reader_->last_number()}});
    reader_->restart(true);
    follow({});
  }

  void on_closed(const log_closed& x) {
    if (x.stream != stream_ || !reader_ || ended_)
      return;
    step("log_stream.log_closed");
    streaming_ = false;
    reason_ = x.reason;
    // A connection that broke left half a line, which comes again.
    if (x.reason.code == errc::none
        && reader_->finish() == podlog::reader::advice::reread)
      return reread();
    flush();
    if (ended_)
      return;
    if (x.reason.code == errc::none
        && (container_ended_ || reader_->end_marker()))
      return drain({});
    if (x.reason.code == errc::not_found && container_ended_)
      return drain({false, "The rest of the script's output is gone with its "
                           "pod: "
                             + x.reason.text});
    schedule_reopen();
  }

  void schedule_reopen() {
    auto pause = reopen_pauses[std::min(failures_, reopen_pauses.size() - 1)];
    if (!progress_)
      ++failures_;
    reopen_ = self_->run_delayed(pause, [this] { reopen(); });
  }

  void reopen() {
    reader_->restart(false);
    follow(reader_->last_time());
  }

  void on_container_ended() {
    step("log_stream.container_ended");
    if (container_ended_)
      return;
    container_ended_ = true;
    if (!reader_ || ended_)
      return;
    arm_deadline();
    if (!streaming_ && !draining_) {
      failures_ = 0;
      reopen();
    }
  }

  void arm_deadline() {
    deadline_.dispose();
    deadline_ = self_->run_delayed(context_->patience.log_end, [this] {
      // A paused stream waits for the server, not for the cluster.
      if (!has_room() || progress_) {
        progress_ = false;
        return arm_deadline();
      }
      drain({false, reason_.code == errc::none
                      ? "The rest of the script's output did not arrive in "
                        "time."
                      : "The rest of the script's output could not be read: "
                          + reason_.text});
    });
  }

  // -- the operation --------------------------------------------------------

  bool has_room() const {
    return outstanding_ < window_;
  }

  void flush() {
    while (reader_ && has_room()) {
      auto batch = reader_->take();
      if (batch.lines.empty() && batch.remarks.empty())
        break;
      outstanding_ += batch.bytes;
      self_->send(operation_, std::move(batch));
    }
    if (draining_ && reader_->ready_bytes() == 0)
      end();
    else if (reader_->end_marker() && reader_->ready_bytes() == 0 && !ended_)
      drain({});
  }

  void on_credit(std::size_t bytes) {
    outstanding_ -= std::min(bytes, outstanding_);
    if (!reader_ || ended_)
      return;
    flush();
    if (flow_ && !ended_)
      flow_->set_room(has_room());
  }

  // No more data will come: end as soon as the operation has taken the rest.
  void drain(log_end how) {
    if (ended_)
      return;
    how_ = std::move(how);
    draining_ = true;
    reopen_.dispose();
    deadline_.dispose();
    if (reader_->ready_bytes() == 0)
      end();
    else
      flush();
  }

  void end() {
    if (ended_)
      return;
    ended_ = true;
    draining_ = false;
    deadline_.dispose();
    reopen_.dispose();
    if (flow_)
      flow_->cancel();
    auto rest = reader_->take();
    if (!rest.lines.empty() || !rest.remarks.empty())
      self_->send(operation_, std::move(rest));
    self_->send(operation_, how_);
  }

  void step(std::string_view what) {
    context_->step(what, ticket_);
  }

  log_stream_actor::pointer self_;
  context_ptr context_;
  operation_actor operation_;
  script_ticket ticket_;
  std::size_t window_;
  std::string pod_;
  std::optional<podlog::reader> reader_;
  std::shared_ptr<log_flow> flow_;
  std::uint64_t stream_ = 0;
  bool streaming_ = false;
  bool progress_ = false;
  std::size_t failures_ = 0;
  std::size_t outstanding_ = 0;
  bool container_ended_ = false;
  bool draining_ = false;
  bool ended_ = false;
  failure reason_;
  log_end how_;
  caf::disposable reopen_;
  caf::disposable deadline_;
};

} // namespace

log_stream_actor spawn_log_stream(caf::local_actor& parent, context_ptr context,
                                  operation_actor operation,
                                  script_ticket ticket, std::size_t window) {
  using impl = log_stream_actor::stateful_impl<log_stream>;
  return parent.spawn<impl, caf::linked>(
    std::move(context), std::move(operation), std::move(ticket), window);
}

} // namespace cuttle
