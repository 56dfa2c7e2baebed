// The pod's log as the source of an operation's output.

#include <array>

#include "actors/log_stream_impl.hpp"
#include "actors/mailbox.hpp"
#include "infra/kubernetes/cluster.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;

// Pauses before a follow stream is opened again, by failures in a row.
constexpr std::array<std::chrono::milliseconds, 6> reopen_pauses{
  100ms, 250ms, 500ms, 1s, 2s, 5s};

} // namespace

void log_stream::follow(std::optional<timestamp> since) {
  reopen_.dispose();
  stop_following();
  auto stream = ++stream_;
  source_ = source::pod_log;
  progress_ = false;
  pod_logs_.add();
  flow_ = make_flow();
  mailbox<log_stream_actor> owner{log_stream_actor{self_}};
  kubernetes::log_callbacks callbacks;
  callbacks.on_data = [owner, stream, flow = flow_](std::string_view data) {
    flow->arrived(data.size());
    if (!owner.post(log_data{stream, std::string{data}}))
      flow->cancel();
  };
  callbacks.on_end = [owner, stream](const failure& reason) {
    owner.post(log_closed{stream, reason});
  };
  auto& cluster = context_->cluster;
  auto call = cluster.follow_log({pod_, pod_, since}, std::move(callbacks));
  flow_->attach({[&cluster, call](bool flowing) {
                   if (flowing)
                     cluster.resume(call);
                   else
                     cluster.pause(call);
                 },
                 [&cluster, call] { cluster.cancel(call); }});
  flow_->set_room(has_room());
}

void log_stream::stop_following() {
  if (auto flow = std::exchange(flow_, nullptr))
    flow->cancel();
}

void log_stream::reread() {
  // What came before the gap is good.
  flush();
  if (ended_)
    return;
  // What the runner left begins where the server has confirmed.
  if (link_flow_ && container_ended_ && !kept_read_)
    return read_on();
  if (std::exchange(rereading_, true))
    return runner_may_have_them() ? await_missing() : accept_missing();
  telemetry::info("log-reread",
                  {{"pod", pod_}, {"after", reader_->last_number()}});
  reader_->restart(!runner_may_have_them());
  follow({});
}

bool log_stream::runner_may_have_them() const {
  // One that is linked has said that it does not hold them.
  return link_flow_ && session_ == 0 && !container_ended_ && !runner_silent_;
}

void log_stream::await_missing() {
  telemetry::info("log-waits-for-runner",
                  {{"pod", pod_}, {"after", reader_->last_number()}});
  stop_following();
  ++stream_;
  source_ = source::none;
  reopen_.dispose();
  reopen_ = self_->run_delayed(context_->patience.missing_lines, [this] {
    runner_silent_ = true;
    accept_missing();
  });
}

void log_stream::accept_missing() {
  telemetry::warn("log-lines-missing",
                  {{"pod", pod_}, {"after", reader_->last_number()}});
  reader_->restart(true);
  follow({});
}

void log_stream::on_data(const log_data& x) {
  if (x.stream != stream_ || !reader_ || ended_)
    return;
  step("log_stream.log_data");
  if (!feed(x.bytes))
    return reread();
  flush();
  if (ended_)
    return;
  flow_->handled(x.bytes.size(), has_room());
  attach();
}

void log_stream::on_closed(const log_closed& x) {
  if (x.stream != stream_ || !reader_ || ended_)
    return;
  step("log_stream.log_closed");
  source_ = source::none;
  reason_ = x.reason;
  // A connection that broke left half a line, which comes again.
  if (x.reason.code == errc::none
      && reader_->finish() == podlog::reader::advice::reread)
    return reread();
  flush();
  if (ended_)
    return;
  if (x.reason.code == errc::none && reader_->end_marker())
    return end({});
  // Without the end marker the rest may be where the runner left it.
  if (container_ended_ && link_flow_ && !kept_read_)
    return read_on();
  if (x.reason.code == errc::none && container_ended_)
    return end({});
  if (x.reason.code == errc::not_found && container_ended_)
    return end({false, "The rest of the script's output is gone with its "
                       "pod: "
                         + x.reason.text});
  schedule_reopen();
}

void log_stream::schedule_reopen() {
  auto pause = reopen_pauses[std::min(failures_, reopen_pauses.size() - 1)];
  if (!progress_)
    ++failures_;
  reopen_ = self_->run_delayed(pause, [this] { read_on(); });
}

} // namespace cuttle
