#include "actors/task_intake_impl.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;

// A health check or an upgrade need not wait for the end of a script.
constexpr std::size_t urgent_reserve = 4;

failure reason_of(outcome<void>& result) {
  return result ? failure{} : std::move(result.error());
}

} // namespace

caf::error task_intake::not_loaded() {
  return to_error({errc::unavailable, "The worker has not loaded the state of "
                                      "its pods and its volume yet."});
}

bool task_intake::full(bool urgent) const {
  auto limit
    = context_->settings.operations_limit + (urgent ? urgent_reserve : 0);
  // Nobody overtakes those that wait; urgent ones are the next anyway.
  return entries_.size() + room_.loading() >= limit || room_.waiting() > 0;
}

// -- what earlier processes have left -----------------------------------------

void task_intake::list_requests() {
  context_->store.list_requests(
    seal_, [box = box()](outcome<std::vector<kept_request>> result) {
      requests_listed message;
      if (result)
        message.entries = std::move(*result);
      else
        message.reason = std::move(result.error());
      box.post(std::move(message));
    });
}

void task_intake::on_requests(const requests_listed& x) {
  if (requests_known_)
    return;
  if (x.reason.code != errc::none) {
    // Until then, tickets that are not known are answered as errors that the
    // server repeats.
    telemetry::warn("requests-not-listed", {{"reason", x.reason.text}});
    requests_timer_ = self_->run_delayed(context_->patience.volume_retry,
                                         [this] { list_requests(); });
    return;
  }
  requests_known_ = true;
  if (!x.entries.empty())
    telemetry::info("requests-found", {{"requests", x.entries.size()}});
  for (auto& found : x.entries) {
    auto key = found.ticket.key();
    if (entries_.contains(key)) {
      drop_request(found.ticket);
    } else if (dead_.find(found.ticket, context_->now())) {
      remove_request_of(found.ticket);
    } else if (!found.command) {
      telemetry::error("request-unreadable", {{"ticket", found.ticket.task_id},
                                              {"reason", found.reason.text}});
      bury(found.ticket, exit_fatal,
           {{output_source::err, context_->now(), found.reason.text}});
      remove_request_of(found.ticket);
    } else if (!room_.find(key)) {
      waiting_room::guest guest{found.ticket};
      guest.path = path_of(*found.command);
      guest.urgent = is_urgent(*found.command);
      guest.since = found.since;
      guest.asked = context_->now();
      room_.add(std::move(guest));
      room_.wait(key);
    }
  }
  admit_next();
}

// -- in ----------------------------------------------------------------------

caf::result<script_status> task_intake::wait_outside(const start_script& x) {
  auto& settings = context_->settings;
  if (room_.size() >= settings.queue_limit) {
    auto text = "The worker has " + std::to_string(entries_.size())
                + " operations in flight, its limit "
                  "(CUTTLE_OPERATIONS_LIMIT)";
    if (room_.size() > 0)
      text += ", and " + std::to_string(room_.size())
              + " more wait, as many as may (CUTTLE_QUEUE_LIMIT)";
    return to_error({errc::overloaded, text + '.'});
  }
  started_.add();
  auto key = x.ticket.key();
  auto now = context_->now();
  waiting_room::guest guest{x.ticket};
  guest.path = path_of(x);
  guest.urgent = is_urgent(x);
  guest.since = guest.asked = now;
  room_.add(std::move(guest));
  auto reply = self_->make_response_promise<script_status>();
  auto& calls = calls_[key];
  calls.starts.push_back(reply);
  calls.timer = self_->run_delayed(context_->patience.rpc,
                                   [this, key] { answer_late(key); });
  context_->store.keep(x,
                       {seal_, now,
                        [derive = context_->log_key, ticket = x.ticket] {
                          return derive(ticket);
                        }},
                       [box = box(), ticket = x.ticket](outcome<void> result) {
                         box.post(request_kept{ticket, reason_of(result)});
                       });
  count_guests();
  return reply;
}

caf::result<script_status>
task_intake::start_again(waiting_room::guest& guest) {
  guest.asked = context_->now();
  if (guest.at == waiting_room::stage::leaving && !guest.ended)
    return to_error({errc::unavailable, "The worker is about to remove an "
                                        "earlier request of this script."});
  if (guest.at == waiting_room::stage::keeping) {
    guest.unwanted = guest.ended;
    auto key = guest.ticket.key();
    auto reply = self_->make_response_promise<script_status>();
    auto& calls = calls_[key];
    calls.starts.push_back(reply);
    calls.timer.dispose();
    calls.timer = self_->run_delayed(context_->patience.rpc,
                                     [this, key] { answer_late(key); });
    return reply;
  }
  // (who asks from the start is told the place again)
  guest.said = 0;
  return guest_status(guest, 0);
}

void task_intake::on_kept(const request_kept& x) {
  context_->step("task_intake.request_kept", x.ticket);
  auto key = x.ticket.key();
  auto* guest = room_.find(key);
  if (!guest || guest->at != waiting_room::stage::keeping) {
    // It has a pod by now.
    if (x.reason.code == errc::none)
      drop_request(x.ticket);
    return;
  }
  if (x.reason.code != errc::none) {
    auto calls = take_calls(key);
    room_.erase(key);
    count_guests();
    for (auto& reply : calls.starts)
      reply.deliver(to_error(x.reason));
    if (!calls.cancels.empty() || !calls.completes.empty())
      bury(x.ticket, exit_cancelled, unbegun_lines(context_->now()));
    for (auto& [reply, cursor] : calls.cancels)
      reply.deliver(
        ended(x.ticket, cursor, *dead_.find(x.ticket, context_->now())));
    for (auto& reply : calls.completes)
      reply.deliver();
    return;
  }
  if (guest->unwanted)
    return remove_request(key);
  room_.wait(key);
  auto calls = take_calls(key);
  for (auto& reply : calls.starts) {
    guest->said = 0;
    reply.deliver(guest_status(*guest, 0));
  }
  admit_next();
}

// -- on ----------------------------------------------------------------------

void task_intake::admit_next() {
  if (!known() || draining_ || admission_rests_)
    return count_guests();
  auto& limit = context_->settings.operations_limit;
  while (room_.waiting() > 0
         && entries_.size() + room_.loading()
              < limit + (room_.next_is_urgent() ? urgent_reserve : 0)) {
    auto key = *room_.next();
    auto& guest = *room_.find(key);
    // A script that nobody watches any more is not begun.
    if (context_->now() - guest.asked >= context_->patience.result) {
      telemetry::warn("queued-script-forgotten",
                      {{"ticket", guest.ticket.task_id}});
      guest.ended = true;
      remove_request(key);
      continue;
    }
    context_->store.load_request(
      guest.ticket, seal_,
      [box = box(), ticket = guest.ticket](outcome<start_script> result) {
        request_loaded message{ticket, {}, nullptr};
        if (result)
          message.command = std::make_shared<start_script>(std::move(*result));
        else
          message.reason = std::move(result.error());
        box.post(std::move(message));
      });
  }
  count_guests();
}

void task_intake::on_loaded(const request_loaded& x) {
  context_->step("task_intake.request_loaded", x.ticket);
  auto key = x.ticket.key();
  auto* guest = room_.find(key);
  if (!guest || guest->at != waiting_room::stage::loading)
    return;
  if (guest->unwanted)
    return remove_request(key);
  if (x.command)
    return admit(x);
  telemetry::warn("request-not-read",
                  {{"ticket", x.ticket.task_id}, {"reason", x.reason.text}});
  if (x.reason.code == errc::not_found
      || x.reason.code == errc::invalid_request) {
    bury(x.ticket, exit_fatal,
         {{output_source::err, context_->now(),
           "The script could not be begun. " + x.reason.text}});
    room_.erase(key);
    remove_request_of(x.ticket);
    return admit_next();
  }
  // The volume may come back.
  room_.wait(key);
  admission_rests_ = true;
  admit_timer_.dispose();
  admit_timer_ = self_->run_delayed(context_->patience.volume_retry, [this] {
    admission_rests_ = false;
    admit_next();
  });
  count_guests();
}

void task_intake::admit(const request_loaded& x) {
  auto key = x.ticket.key();
  auto* guest = room_.find(key);
  auto waited = std::chrono::duration_cast<std::chrono::seconds>(
    context_->now() - guest->since);
  operation_plan plan{x.ticket, x.command, std::nullopt, version_, {}};
  plan.note = "The script waited " + duration_text(std::max(waited, 0s))
              + " for its turn.";
  plan.request = request_state::kept;
  auto rebuilds = guest->rebuilds;
  take_calls(key);
  room_.erase(key);
  auto& made = run(x.ticket, std::move(plan));
  made.kept = true;
  made.answered = true;
  made.rebuilds = rebuilds;
  isolate(*x.command);
  admit_next();
}

script_status task_intake::guest_status(waiting_room::guest& guest,
                                        std::int64_t cursor) {
  auto now = context_->now();
  guest.asked = now;
  script_status result;
  result.ticket = guest.ticket;
  result.next_sequence = std::max<std::int64_t>(cursor, 0);
  auto place
    = room_.news(guest.ticket.key(), now, context_->patience.queue_line);
  if (place)
    for (auto& [source, text] :
         waiting_lines(queued_text(*place, room_.waiting(), entries_.size(),
                                   context_->settings.operations_limit)))
      result.lines.push_back({source, now, std::move(text)});
  longest_wait_.set(
    std::chrono::duration<double>(room_.longest_wait(now)).count());
  return result;
}

} // namespace cuttle
