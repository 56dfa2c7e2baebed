#include "infra/sim/script_drive.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace cuttle::sim {

namespace {

constexpr const char* cancelled_text = "Script execution was cancelled.";

bool has_script_service(const std::vector<std::string>& capabilities) {
  return std::any_of(
    capabilities.begin(), capabilities.end(), [](const std::string& name) {
      return name.find("KubernetesScriptService") != std::string::npos;
    });
}

std::string join(const std::vector<std::string>& names) {
  std::string result;
  for (auto& name : names)
    result += (result.empty() ? "" : ", ") + name;
  return result.empty() ? "none" : result;
}

} // namespace

std::chrono::milliseconds poll_delay(const drive_settings& settings,
                                     unsigned n) {
  auto ceiling = static_cast<double>(settings.poll_ceiling.count());
  auto delay = static_cast<double>(settings.poll_first.count())
               * std::pow(settings.poll_base, n);
  return std::chrono::milliseconds{std::llround(std::min(ceiling, delay))};
}

script_drive::script_drive(script_ticket ticket, drive_settings settings)
  : settings_(settings), ticket_(std::move(ticket)),
    retry_(settings.retry_duration) {}

// -- inputs -------------------------------------------------------------------

drive_steps script_drive::begin(clock::time_point now) {
  drive_steps out;
  if (phase_ != phase::fresh)
    return out;
  result_.queued = now;
  phase_ = phase::capabilities;
  first_attempt(out, rpc_kind::capabilities, now);
  return out;
}

drive_steps script_drive::on_capabilities(std::uint64_t call,
                                          const std::vector<std::string>& list,
                                          clock::time_point now) {
  drive_steps out;
  if (call != call_ || kind_ != rpc_kind::capabilities)
    return out;
  call_ = 0;
  if (!has_script_service(list)) {
    give_up(out,
            {errc::invalid_request,
             "The worker has no Kubernetes script service; its capabilities: "
               + join(list) + "."},
            now);
    return out;
  }
  phase_ = phase::starting;
  first_attempt(out, rpc_kind::start, now);
  return out;
}

drive_steps script_drive::on_status(std::uint64_t call, script_status status,
                                    clock::time_point now) {
  drive_steps out;
  if (call != call_)
    return out;
  call_ = 0;
  stop_waiting();
  if (phase_ == phase::parting) {
    phase_ = phase::over;
    return out;
  }
  if (kind_ == rpc_kind::start)
    result_.started = now;
  if (kind_ == rpc_kind::status)
    result_.longest_status = std::max(
      result_.longest_status,
      std::chrono::duration_cast<std::chrono::milliseconds>(now - sent_));
  keep(status, now);
  auto first = kind_ == rpc_kind::start;
  out.push_back(drive_action::report{std::move(status.lines), result_.state});
  if (result_.state == process_state::complete) {
    enter_completing(out, now);
  } else if (cancelled_) {
    if (phase_ == phase::cancelling)
      wait(out, waiting::next_poll, poll_delay(settings_, ++cancel_polls_));
    else
      enter_cancelling(out, now);
  } else if (first) {
    phase_ = phase::observing;
    first_attempt(out, rpc_kind::status, now);
  } else {
    wait(out, waiting::next_poll, poll_delay(settings_, ++polls_));
  }
  return out;
}

drive_steps script_drive::on_completed(std::uint64_t call,
                                       clock::time_point now) {
  drive_steps out;
  if (call != call_ || phase_ != phase::completing)
    return out;
  call_ = 0;
  finish(out, phase::over, now);
  return out;
}

drive_steps script_drive::on_failure(std::uint64_t call, const failure& reason,
                                     clock::time_point now) {
  drive_steps out;
  if (call != call_)
    return out;
  call_ = 0;
  ++result_.failed_calls;
  stop_waiting();
  if (phase_ == phase::completing) {
    // The clean-up is the worker's own business from here on; the script's
    // result stands.
    finish(out, phase::over, now);
    return out;
  }
  if (kind_ == rpc_kind::start && reason.code != errc::cancelled
      && reason.code != errc::overloaded)
    maybe_started_ = true;
  if (phase_ == phase::withdrawing) {
    if (maybe_started_)
      enter_cancelling(out, now);
    else
      end_cancelled(out, now);
    return out;
  }
  if (auto pause = retry_.failed(reason))
    wait(out, waiting::retry, *pause);
  else
    give_up(out, reason, now);
  return out;
}

drive_steps script_drive::on_timer(std::uint64_t timer, clock::time_point now) {
  drive_steps out;
  if (timer != timer_ || timer == 0)
    return out;
  timer_ = 0;
  switch (std::exchange(waiting_, waiting::nothing)) {
  case waiting::nothing:
    break;
  case waiting::next_poll:
    first_attempt(out, kind_, now);
    break;
  case waiting::retry:
    if (auto limit = retry_.woke(now)) {
      sent_ = now;
      send(out, kind_);
      wait(out, waiting::time_limit, *limit);
    } else {
      give_up(out, retry_.last_failure(), now);
    }
    break;
  case waiting::time_limit:
    out.push_back(drive_action::abandon{std::exchange(call_, 0)});
    if (phase_ == phase::completing)
      finish(out, phase::over, now);
    else
      give_up(out, retry_.last_failure(), now);
    break;
  }
  return out;
}

drive_steps script_drive::cancel(clock::time_point now) {
  drive_steps out;
  if (cancelled_ || phase_ == phase::fresh || phase_ == phase::parting
      || phase_ == phase::over)
    return out;
  cancelled_ = true;
  result_.cancelled = true;
  switch (phase_) {
  case phase::capabilities:
    if (call_ != 0)
      out.push_back(drive_action::abandon{std::exchange(call_, 0)});
    end_cancelled(out, now);
    break;
  case phase::starting:
    stop_waiting();
    if (call_ != 0) {
      // The answer says whether the worker can know of the script.
      phase_ = phase::withdrawing;
      out.push_back(drive_action::abandon{call_});
    } else if (maybe_started_) {
      enter_cancelling(out, now);
    } else {
      end_cancelled(out, now);
    }
    break;
  case phase::observing:
    stop_waiting();
    if (call_ != 0)
      out.push_back(drive_action::abandon{std::exchange(call_, 0)});
    enter_cancelling(out, now);
    break;
  case phase::completing:
    wait(out, waiting::time_limit, settings_.complete_patience);
    break;
  default:
    break;
  }
  return out;
}

drive_steps script_drive::abort(failure reason, clock::time_point now) {
  drive_steps out;
  if (phase_ == phase::over)
    return out;
  if (call_ != 0)
    out.push_back(drive_action::abandon{std::exchange(call_, 0)});
  if (phase_ == phase::parting) {
    phase_ = phase::over;
    return out;
  }
  result_.trouble = std::move(reason);
  finish(out, phase::over, now);
  return out;
}

// -- steps --------------------------------------------------------------------

void script_drive::first_attempt(drive_steps& out, rpc_kind kind,
                                 clock::time_point now) {
  retry_.begin(now);
  sent_ = now;
  send(out, kind);
}

void script_drive::send(drive_steps& out, rpc_kind kind) {
  kind_ = kind;
  call_ = next_id_++;
  switch (kind) {
  case rpc_kind::capabilities:
    break;
  case rpc_kind::start:
    ++result_.start_calls;
    break;
  case rpc_kind::status:
    ++result_.status_calls;
    break;
  case rpc_kind::cancel:
    ++result_.cancel_calls;
    break;
  case rpc_kind::complete:
    ++result_.complete_calls;
    break;
  }
  out.push_back(drive_action::call{call_, kind, ticket_, sequence_});
}

void script_drive::wait(drive_steps& out, waiting what,
                        std::chrono::milliseconds delay) {
  timer_ = next_id_++;
  waiting_ = what;
  out.push_back(drive_action::timer{timer_, delay});
}

void script_drive::stop_waiting() {
  timer_ = 0;
  waiting_ = waiting::nothing;
}

void script_drive::enter_cancelling(drive_steps& out, clock::time_point now) {
  phase_ = phase::cancelling;
  first_attempt(out, rpc_kind::cancel, now);
}

void script_drive::enter_completing(drive_steps& out, clock::time_point now) {
  phase_ = phase::completing;
  first_attempt(out, rpc_kind::complete, now);
  if (cancelled_)
    wait(out, waiting::time_limit, settings_.complete_patience);
}

void script_drive::give_up(drive_steps& out, failure reason,
                           clock::time_point now) {
  if (phase_ == phase::parting) {
    phase_ = phase::over;
    return;
  }
  result_.trouble = std::move(reason);
  if (phase_ != phase::observing) {
    finish(out, phase::over, now);
    return;
  }
  // A script that nobody watches should not run on: one CancelScript, whose
  // outcome nobody waits for.
  first_attempt(out, rpc_kind::cancel, now);
  finish(out, phase::parting, now);
}

void script_drive::end_cancelled(drive_steps& out, clock::time_point now) {
  result_.trouble = {errc::cancelled, cancelled_text};
  finish(out, phase::over, now);
}

void script_drive::finish(drive_steps& out, phase next, clock::time_point now) {
  phase_ = next;
  stop_waiting();
  result_.ended = now;
  out.push_back(drive_action::finish{});
}

void script_drive::keep(const script_status& status, clock::time_point now) {
  if (status.next_sequence > sequence_ && !status.lines.empty()
      && result_.first_script_line == clock::time_point{})
    result_.first_script_line = now;
  // The ticket and the cursor of an answer are those of the next call.
  if (!status.ticket.task_id.empty())
    ticket_ = status.ticket;
  sequence_ = status.next_sequence;
  result_.state = status.state;
  result_.exit_code = status.exit_code;
  result_.line_count += status.lines.size();
  for (auto& line : status.lines) {
    kept_bytes_ += line.text.size();
    if (kept_bytes_ > settings_.keep_bytes)
      break;
    result_.lines.push_back(line);
  }
}

} // namespace cuttle::sim
