#include "actors/log_stream.hpp"

#include "actors/failure.hpp"
#include "actors/log_stream_impl.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle {

namespace {

// Runners in a row that did not dial, after which hardly any time is spent on
// waiting for the next: a network policy may forbid it, or the pods are those
// of a worker that knows no links.
constexpr unsigned link_misses_limit = 3;

} // namespace

log_stream::log_stream(log_stream_actor::pointer self, context_ptr context,
                       operation_actor operation, script_ticket ticket,
                       bool adopted)
  : self_(self), context_(std::move(context)), operation_(std::move(operation)),
    ticket_(std::move(ticket)),
    share_(context_->log_memory, context_->settings.log_buffer_bytes,
           context_->settings.log_total_bytes),
    again_(adopted),
    links_(context_->metrics.gauge("cuttle_runner_links",
                                   "Runners that send their output directly.")),
    pod_logs_(context_->metrics.counter(
      "cuttle_pod_log_readings_total",
      "Readings of a pod's log, for want of its runner's link.")),
    memory_(context_->metrics.gauge(
      "cuttle_log_bytes", "Memory of scripts' output on its way to the server, "
                          "all scripts together.")) {
  install_handlers(self_);
  expect_runner();
}

log_stream::~log_stream() {
  reopen_.dispose();
  deadline_.dispose();
  stop_following();
  set_resumed(false);
  if (link_flow_)
    link_flow_->cancel();
  share_.release(share_.held());
  show_memory();
}

log_stream_actor::behavior_type log_stream::make_behavior() {
  return {
    [this](const open_log& x) { open(x); },
    [this](const log_credit& x) { on_credit(x); },
    [this](container_ended_atom) { on_container_ended(); },
    [this](const log_data& x) { on_data(x); },
    [this](const log_closed& x) { on_closed(x); },
    [this](const link_opened& x) { on_link_opened(x); },
    [this](const link_data& x) { on_link_data(x); },
    [this](const link_closed& x) { on_link_closed(x); },
    [this](const kept_lines& x) { on_kept(x); },
  };
}

void log_stream::open(const open_log& x) {
  step("log_stream.open_log");
  pod_ = x.pod;
  reader_.emplace(context_->log_key(ticket_), x.delivered);
  share_.release(share_.held());
  failures_ = 0;
  ended_ = false;
  reason_ = {};
  stop_following();
  ++stream_;
  rereading_ = false;
  kept_read_ = false;
  source_ = source::none;
  // What has come over the link does not come twice there; a new dialling has
  // what is not acknowledged.
  if (resumed_)
    expect_runner();
  if (!attach()) {
    if (container_ended_ || !link_flow_ || session_ != 0)
      read_on();
    else
      await_link();
  }
  if (container_ended_)
    arm_deadline();
}

void log_stream::on_container_ended() {
  step("log_stream.container_ended");
  if (container_ended_)
    return;
  container_ended_ = true;
  if (!reader_ || ended_)
    return;
  arm_deadline();
  if (source_ == source::none) {
    failures_ = 0;
    read_on();
  }
}

void log_stream::arm_deadline() {
  deadline_.dispose();
  deadline_ = self_->run_delayed(context_->patience.log_end, [this] {
    // A paused stream waits for the server, not for the cluster.
    if (!room_ || progress_) {
      progress_ = false;
      offer_room();
      return arm_deadline();
    }
    give_up();
  });
}

void log_stream::give_up() {
  // A link may look alive long after its node is gone.
  if (source_ == source::link) {
    expect_runner();
    source_ = source::none;
    read_on();
    return arm_deadline();
  }
  end({false, reason_.code == errc::none
                ? "The rest of the script's output did not arrive in time."
                : "The rest of the script's output could not be read: "
                    + reason_.text});
}

void log_stream::read_on() {
  reopen_.dispose();
  rereading_ = false;
  reader_->restart(false);
  if (link_flow_ && container_ended_ && !kept_read_)
    return read_kept();
  follow(reader_->last_time());
}

void log_stream::await_link() {
  source_ = source::none;
  auto& misses = *context_->link_misses;
  const auto& times = context_->patience;
  auto patience = again_ ? times.link_again : times.link;
  if (misses >= link_misses_limit)
    patience = times.link_missed;
  reopen_ = self_->run_delayed(patience, [this, &misses] {
    ++misses;
    read_on();
  });
}

bool log_stream::feed(const std::string& bytes) {
  auto before = reader_->last_number();
  auto advice = reader_->feed(bytes);
  if (reader_->last_number() > before) {
    progress_ = true;
    rereading_ = false;
    failures_ = 0;
  }
  return advice == podlog::reader::advice::more;
}

// -- the operation ------------------------------------------------------------

std::shared_ptr<log_flow> log_stream::make_flow() const {
  return std::make_shared<log_flow>(context_->log_memory,
                                    context_->settings.log_total_bytes);
}

void log_stream::flush() {
  auto batch = reader_->take();
  share_.set_partial(reader_->partial_bytes());
  if (!batch.lines.empty() || !batch.remarks.empty()) {
    share_.hold(batch.bytes);
    self_->send(operation_, std::move(batch));
  }
  show_memory();
  if (reader_->end_marker())
    end({});
}

void log_stream::on_credit(const log_credit& x) {
  share_.release(x.bytes);
  show_memory();
  if (x.confirmed > confirmed_) {
    confirmed_ = x.confirmed;
    if (resumed_)
      context_->links->acknowledge(session_, confirmed_);
  }
  if (reader_ && !ended_)
    offer_room();
}

void log_stream::offer_room() {
  auto room = has_room();
  if (link_flow_)
    link_flow_->set_room(room);
  if (flow_)
    flow_->set_room(room);
  if (kept_waits_ && room)
    read_kept_part();
}

void log_stream::end(log_end how) {
  if (std::exchange(ended_, true))
    return;
  deadline_.dispose();
  reopen_.dispose();
  stop_following();
  flush();
  share_.set_partial(0);
  self_->send(operation_, std::move(how));
}

void log_stream::show_memory() {
  memory_.set(static_cast<double>(context_->log_memory->used()));
}

void log_stream::set_resumed(bool to) {
  if (resumed_ != to)
    links_.add(to ? 1 : -1);
  resumed_ = to;
}

void log_stream::step(std::string_view what) {
  context_->step(what, ticket_);
}

log_stream_actor spawn_log_stream(caf::local_actor& parent, context_ptr context,
                                  operation_actor operation,
                                  script_ticket ticket, bool adopted) {
  using impl = log_stream_actor::stateful_impl<log_stream>;
  return parent.spawn<impl, caf::linked>(
    std::move(context), std::move(operation), std::move(ticket), adopted);
}

} // namespace cuttle
