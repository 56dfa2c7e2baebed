#include "actors/operation_impl.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle {

void operation::on_progress(const pod_progress& x) {
  step("operation.pod_progress");
  census_.see(x.verdict, x.gone, context_->now());
  if (x.gone || x.verdict.container_ended
      || x.verdict.phase == pod_phase::failed)
    expire_result();
  if (frozen_)
    return;
  auto before = std::exchange(verdict_, x.verdict);
  if (!verdict_.cause.empty() && verdict_.cause != before.cause)
    say_cause();
  watch_stuck_pod();
  if (verdict_.container_ended || x.gone || verdict_.phase == pod_phase::failed)
    self_->send(log_, container_ended_atom_v);
  if (x.gone && !gone_) {
    gone_ = true;
    if (verdict_.container_ended && !log_opened_)
      say(output_source::err, "The output of the script is gone: its pod was "
                              "deleted before the worker could read it.");
    // (the user who cancelled knows)
    if (!verdict_.container_ended && !marker_ && !kill_asked_)
      for (auto& text : pod_not_found_lines(pod_name_))
        say(output_source::err, std::move(text));
  }
  open_log_if_due();
}

void operation::say_cause() {
  auto failed = verdict_.phase == pod_phase::failed;
  auto text = verdict_.cause;
  if (verdict_.phase == pod_phase::pending && !gone_) {
    text
      += ' '
         + prospect_text(verdict_.ends_soon, context_->settings.pending_limit);
    telemetry::info("pod-held-up",
                    {{"pod", pod_name_}, {"reason", verdict_.cause}});
  }
  for (auto& [source, line] : cause_lines(text, failed))
    say(source, std::move(line));
}

void operation::watch_stuck_pod() {
  if (!verdict_.ends_soon || forced_) {
    stuck_timer_.dispose();
    stuck_since_.clear();
    return;
  }
  if (stuck_since_ == verdict_.cause)
    return;
  stuck_since_ = verdict_.cause;
  stuck_timer_.dispose();
  stuck_timer_ = self_->run_delayed(kubernetes::advice_patience, [this] {
    if (!verdict_.ends_soon || forced_)
      return;
    say(output_source::err, "The script was given up, for this did not change "
                            "within a minute: "
                              + verdict_.cause);
    force(exit_timeout);
    self_->request(lifecycle_, caf::infinite, cancel_atom_v)
      .then([] {}, [](const caf::error&) {});
  });
}

void operation::hint(const std::vector<numbered_line>& lines) {
  if (hinted_)
    return;
  for (auto& x : lines) {
    auto text = engine_hint(x.line.text, builds_image_);
    if (text.empty())
      text = upgrade_hint(x.line.text);
    if (text.empty())
      continue;
    hinted_ = true;
    // It leads: its time is just before that of the line.
    buffer_.add({output_source::err,
                 x.line.occurred - std::chrono::nanoseconds{1},
                 std::string{text}});
    return;
  }
}

void operation::open_log_if_due() {
  auto due = linked_ || verdict_.phase == pod_phase::running
             || verdict_.container_ended;
  if (log_opened_ || !cursor_known_ || !due || gone_)
    return;
  log_opened_ = true;
  self_->send(log_, open_log{pod_name_, buffer_.base()});
}

void operation::on_runner_linked() {
  step("operation.link_opened");
  linked_ = true;
  if (!frozen_)
    open_log_if_due();
}

void operation::on_event(const pod_event& event) {
  step("operation.pod_event");
  if (frozen_
      || !seen_events_.insert(event.uid + '/' + std::to_string(event.count))
            .second)
    return;
  auto pulling_seen = pulling_.contains(event.field_path);
  if (event.reason == "Pulling")
    pulling_.insert(event.field_path);
  for (auto& line : kubernetes::event_lines(event, pulling_seen))
    buffer_.add(std::move(line));
  // What to do, once for each reason.
  if (auto advice = kubernetes::event_advice(event);
      advice && advised_.insert(event.reason).second)
    for (auto& [source, text] : cause_lines(*advice, false))
      say(source, std::move(text));
}

void operation::on_lines(log_batch& x) {
  step("operation.log_batch");
  if (frozen_ || rewinding_ > 0)
    return;
  hint(x.lines);
  auto before = buffer_.bytes();
  buffer_.add(std::move(x.lines));
  auto added = buffer_.bytes() - before;
  // Lines that were here already do not stay: give their room back.
  if (x.bytes > added)
    self_->send(log_, log_credit{x.bytes - added, 0});
  for (auto& line : x.remarks)
    buffer_.add(line);
  if (x.end_marker && !marker_) {
    marker_ = x.end_marker;
    say(output_source::debug, "Marking '" + ticket_.task_id
                                + "' as completed with exit code: '"
                                + std::to_string(*marker_) + "'");
  }
}

void operation::on_log_end(const log_end& x) {
  step("operation.log_end");
  if (rewinding_ > 0)
    return;
  log_ended_ = true;
  if (!x.whole && !frozen_)
    say(output_source::err, x.text);
}

} // namespace cuttle
