// The runner's link, and what the runner left in the workspace, as the sources
// of an operation's output.

#include "actors/log_stream_impl.hpp"
#include "actors/mailbox.hpp"
#include "infra/telemetry/log.hpp"
#include "infra/workspace/store.hpp"

namespace cuttle {

void log_stream::expect_runner() {
  auto* links = context_->links;
  if (links == nullptr)
    return;
  session_ = 0;
  set_resumed(false);
  if (auto old = std::exchange(link_flow_, make_flow()))
    old->cancel();
  mailbox<log_stream_actor> owner{log_stream_actor{self_}};
  runner_link::callbacks tell;
  tell.on_open = [owner](runner_link::session_id session, std::int64_t first) {
    owner.post(link_opened{session, first});
  };
  tell.on_data = [owner, flow = link_flow_](runner_link::session_id session,
                                            std::string_view data) {
    flow->arrived(data.size());
    if (!owner.post(link_data{session, std::string{data}}))
      flow->cancel();
  };
  tell.on_close
    = [owner](runner_link::session_id session, const failure& reason) {
        owner.post(link_closed{session, reason});
      };
  links->expect(ticket_, context_->log_key(ticket_), std::move(tell));
}

void log_stream::on_link_opened(const link_opened& x) {
  step("log_stream.link_opened");
  session_ = x.session;
  first_ = x.first;
  again_ = true;
  runner_silent_ = false;
  set_resumed(false);
  if (source_ == source::link)
    source_ = source::none;
  auto* links = context_->links;
  link_flow_->attach({[links, session = session_](bool flowing) {
                        links->set_room(session, flowing);
                      },
                      [links, ticket = ticket_] { links->forget(ticket); }});
  *context_->link_misses = 0;
  self_->send(operation_, x);
  if (reader_ && !ended_ && !attach() && source_ == source::none)
    read_on();
}

bool log_stream::attach() {
  if (session_ == 0 || resumed_)
    return false;
  auto last = reader_->last_number();
  // The runner does not hold the next line any more: the pod's log first.
  if (first_ > last + 1)
    return false;
  reopen_.dispose();
  stop_following();
  ++stream_;
  rereading_ = false;
  reader_->restart(false);
  set_resumed(true);
  progress_ = false;
  source_ = source::link;
  context_->links->resume(session_, last);
  if (confirmed_ > 0)
    context_->links->acknowledge(session_, confirmed_);
  link_flow_->set_room(has_room());
  return true;
}

void log_stream::on_link_data(const link_data& x) {
  // Late data of an expectation before are not counted by this flow; they are
  // told by their session.
  if (x.session != session_ || !resumed_)
    return;
  step("log_stream.link_data");
  auto read = ended_ || feed(x.bytes);
  if (!read)
    return refuse_link();
  context_->links->received(session_, reader_->last_number());
  if (!ended_)
    flush();
  link_flow_->handled(x.bytes.size(), ended_ || has_room());
}

void log_stream::on_link_closed(const link_closed& x) {
  if (x.session != session_)
    return;
  step("log_stream.link_closed");
  session_ = 0;
  auto was_read = resumed_;
  set_resumed(false);
  if (!was_read || !reader_ || ended_)
    return;
  telemetry::info("runner-link-lost",
                  {{"ticket", ticket_.task_id}, {"reason", x.reason.text}});
  source_ = source::none;
  if (container_ended_)
    read_on();
  else
    await_link();
}

void log_stream::refuse_link() {
  telemetry::warn("runner-link-refused",
                  {{"ticket", ticket_.task_id},
                   {"reason", "Lines are missing in what came over it; the "
                              "pod's log is read instead."},
                   {"after", reader_->last_number()}});
  session_ = 0;
  set_resumed(false);
  link_flow_->cancel();
  reread();
}

void log_stream::read_kept() {
  kept_read_ = true;
  kept_offset_ = 0;
  ++stream_;
  stop_following();
  source_ = source::kept;
  read_kept_part();
}

void log_stream::read_kept_part() {
  kept_waits_ = false;
  mailbox<log_stream_actor> owner{log_stream_actor{self_}};
  context_->store.read_kept_lines(
    ticket_, kept_offset_,
    [owner, stream = stream_](outcome<workspace::kept_part> part) {
      if (part)
        owner.post(kept_lines{stream, std::move(part->bytes), part->last, {}});
      else
        owner.post(kept_lines{stream, {}, true, part.error()});
    });
}

void log_stream::on_kept(const kept_lines& x) {
  if (x.stream != stream_ || !reader_ || ended_)
    return;
  step("log_stream.kept_lines");
  if (x.reason.code != errc::none)
    telemetry::warn("kept-lines-unreadable",
                    {{"ticket", ticket_.task_id}, {"reason", x.reason.text}});
  kept_offset_ += x.bytes.size();
  if (!feed(x.bytes))
    return reread();
  flush();
  if (ended_)
    return;
  // The pod's log has what the runner could not leave here.
  if (x.last)
    return read_on();
  kept_waits_ = true;
  if (has_room())
    read_kept_part();
}

} // namespace cuttle
