// Scripts beyond the limit that end before their turn.

#include "actors/task_intake_impl.hpp"

namespace cuttle {

namespace {

failure reason_of(outcome<void>& result) {
  return result ? failure{} : std::move(result.error());
}

} // namespace

caf::result<script_status> task_intake::cancel_guest(waiting_room::guest& guest,
                                                     std::int64_t cursor) {
  auto reply = self_->make_response_promise<script_status>();
  calls_[guest.ticket.key()].cancels.push_back({reply, cursor});
  dismiss(guest);
  return reply;
}

caf::result<void> task_intake::complete_guest(waiting_room::guest& guest) {
  auto reply = self_->make_response_promise<void>();
  calls_[guest.ticket.key()].completes.push_back(reply);
  dismiss(guest);
  return reply;
}

void task_intake::dismiss(waiting_room::guest& guest) {
  using stage = waiting_room::stage;
  auto key = guest.ticket.key();
  guest.unwanted = true;
  guest.ended = true;
  auto& calls = calls_[key];
  calls.timer.dispose();
  calls.timer = self_->run_delayed(context_->patience.rpc,
                                   [this, key] { answer_late(key); });
  // Else: as soon as the volume has answered.
  if (guest.at == stage::waiting || guest.at == stage::leaving)
    remove_request(key);
}

void task_intake::remove_request(const std::string& key) {
  auto* guest = room_.find(key);
  if (!guest || std::exchange(guest->removing, true))
    return;
  room_.leave(key);
  remove_request_of(guest->ticket);
  count_guests();
}

void task_intake::remove_request_of(const script_ticket& ticket) {
  context_->store.remove(ticket, [box = box(), ticket](outcome<void> result) {
    box.post(request_dropped{ticket, reason_of(result)});
  });
}

void task_intake::drop_request(const script_ticket& ticket) {
  context_->store.drop_request(
    ticket, [box = box(), ticket](outcome<void> result) {
      box.post(request_dropped{ticket, reason_of(result)});
    });
}

void task_intake::on_dropped(const request_dropped& x) {
  context_->step("task_intake.request_dropped", x.ticket);
  auto key = x.ticket.key();
  auto* guest = room_.find(key);
  auto failed = x.reason.code != errc::none;
  if (failed)
    telemetry::warn("request-not-dropped",
                    {{"ticket", x.ticket.task_id}, {"reason", x.reason.text}});
  if (!guest || guest->at != waiting_room::stage::leaving)
    return;
  guest->removing = false;
  answer_leaving(key, !failed);
  if (failed) {
    calls_[key].timer = self_->run_delayed(
      context_->patience.volume_retry, [this, key] { remove_request(key); });
    return;
  }
  take_calls(key);
  room_.erase(key);
  count_guests();
  admit_next();
}

void task_intake::answer_leaving(const std::string& key, bool gone) {
  auto& guest = *room_.find(key);
  auto calls = take_calls(key);
  // Else the server may repeat its StartScript.
  if (gone && guest.ended)
    bury(guest.ticket, exit_cancelled, unbegun_lines(context_->now()));
  for (auto& reply : calls.starts)
    reply.deliver(guest_status(guest, 0));
  for (auto& [reply, cursor] : calls.cancels) {
    if (gone) {
      reply.deliver(ended(guest.ticket, cursor,
                          *dead_.find(guest.ticket, context_->now())));
      continue;
    }
    auto status = guest_status(guest, cursor);
    status.lines.push_back({output_source::debug, context_->now(),
                            "The script's request is not removed from the "
                            "volume yet; it will not begin."});
    reply.deliver(std::move(status));
  }
  for (auto& reply : calls.completes)
    reply.deliver();
}

void task_intake::answer_late(const std::string& key) {
  auto* guest = room_.find(key);
  if (!guest)
    return;
  if (guest->at != waiting_room::stage::keeping)
    return answer_leaving(key, false);
  // The server is not told that a script waits that a restart would lose; if
  // it does not ask again, nobody wants it.
  auto calls = take_calls(key);
  guest->unwanted = true;
  for (auto& reply : calls.starts)
    reply.deliver(
      to_error({errc::unavailable,
                "The worker could not write the script's request to "
                "its volume yet, where it would wait for its turn."}));
  calls.starts.clear();
  calls_[key] = std::move(calls);
  if (!calls_[key].cancels.empty() || !calls_[key].completes.empty())
    answer_leaving(key, false);
}

task_intake::guest_calls task_intake::take_calls(const std::string& key) {
  auto i = calls_.find(key);
  if (i == calls_.end())
    return {};
  auto result = std::move(i->second);
  calls_.erase(i);
  result.timer.dispose();
  return result;
}

void task_intake::count_guests() {
  guests_.set(static_cast<double>(room_.size()));
  longest_wait_.set(
    std::chrono::duration<double>(room_.longest_wait(context_->now())).count());
}

} // namespace cuttle
