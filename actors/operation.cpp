#include "actors/operation.hpp"

#include <algorithm>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <set>
#include <utility>
#include <vector>

#include "actors/failure.hpp"
#include "actors/log_stream.hpp"
#include "actors/output_buffer.hpp"
#include "actors/pod_lifecycle.hpp"
#include "actors/task_log.hpp"
#include "infra/kubernetes/manifest.hpp"

namespace cuttle {

namespace {

class operation {
public:
  static inline const char* name = "cuttle.operation";

  operation(operation_actor::pointer self, context_ptr context,
            task_intake_actor intake, operation_plan plan)
    : self_(self), context_(std::move(context)), intake_(std::move(intake)),
      ticket_(plan.ticket), pod_name_(kubernetes::script_pod_name(ticket_)) {
    install_handlers(self_);
    lifecycle_ = spawn_pod_lifecycle(*self_, context_, operation_actor{self_},
                                     ticket_, plan.command, plan.version);
    log_ = spawn_log_stream(*self_, context_, operation_actor{self_}, ticket_,
                            context_->settings.log_buffer_bytes);
    if (!plan.note.empty())
      say(output_source::debug, std::move(plan.note));
    if (plan.pod)
      self_->send(lifecycle_, pod_changed{std::move(*plan.pod)});
    else
      cursor_known_ = true;
  }

  ~operation() {
    start_timer_.dispose();
    cancel_timer_.dispose();
    complete_timer_.dispose();
    result_timer_.dispose();
    *context_->log_bytes -= buffer_.bytes();
  }

  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;

  operation_actor::behavior_type make_behavior() {
    return {
      [this](start_atom) { return start(); },
      [this](begin_creation) { self_->send(lifecycle_, start_atom_v); },
      [this](const get_status& x) { return status(x.last_sequence); },
      [this](const cancel_script& x) { return cancel(x.last_sequence); },
      [this](complete_atom) { return complete(); },
      [this](const pod_changed& x) { self_->send(lifecycle_, x); },
      [this](const pod_deleted& x) { self_->send(lifecycle_, x); },
      [this](pod_missing x) { self_->send(lifecycle_, x); },
      [this](const pod_event_seen& x) { on_event(x.event); },
      [this](const collect_orphan& x) { on_orphan(x); },
      [this](const expire_pending& x) { on_pending_too_long(x); },
      [this](const pod_progress& x) { on_progress(x); },
      [this](const pod_created& x) { on_created(x); },
      [this](const remark& x) { buffer_.add(x.line); },
      [this](const log_batch& x) { on_lines(x); },
      [this](const log_end& x) { on_log_end(x); },
    };
  }

private:
  using status_promise = caf::typed_response_promise<script_status>;

  // -- start ----------------------------------------------------------------

  caf::result<script_status> start() {
    step("operation.start");
    start_promise_ = self_->make_response_promise<script_status>();
    auto result = start_promise_;
    start_timer_ = self_->run_delayed(context_->patience.rpc, [this] {
      if (!start_promise_.pending())
        return;
      say(output_source::debug,
          "The Kubernetes Pod '" + pod_name_
            + "' is not created yet; the worker goes on trying.");
      start_promise_.deliver(started());
    });
    return result;
  }

  // No numbered line, sequence 0 [RPC-03].
  script_status started() {
    script_status result;
    result.ticket = ticket_;
    result.lines = buffer_.take(buffer_.last(), 0).lines;
    result.state = process_state::pending;
    return result;
  }

  void on_created(const pod_created& x) {
    step("operation.pod_created");
    start_timer_.dispose();
    self_->send(intake_, creation_done{ticket_});
    if (x.reason.code == errc::none) {
      if (start_promise_.pending())
        start_promise_.deliver(started());
      return;
    }
    // Who ended the script while it was created answers its start as well.
    if (forced_ || x.reason.code == errc::cancelled)
      return;
    if (start_promise_.pending()) {
      start_promise_.deliver(to_error(x.reason));
      return;
    }
    say(output_source::err, x.reason.text);
    force(exit_fatal);
  }

  // -- status ---------------------------------------------------------------

  script_status status(std::int64_t cursor) {
    step("operation.get_status");
    cursor = std::max<std::int64_t>(cursor, 0);
    follow_cursor(cursor);
    // The state is sampled before the lines are taken [RPC-07].
    auto code = result_code();
    say_phase();
    auto page = buffer_.take(cursor, context_->settings.response_bytes);
    script_status result;
    result.ticket = ticket_;
    result.lines = std::move(page.lines);
    result.next_sequence = page.next;
    if (code && !page.more) {
      result.state = process_state::complete;
      result.exit_code = *code;
      reported_ = *code;
    } else {
      result.state = verdict_.phase == pod_phase::pending
                       ? process_state::pending
                       : process_state::running;
    }
    return result;
  }

  // The server has all lines up to its cursor, and wants those after it.
  void follow_cursor(std::int64_t cursor) {
    if (!cursor_known_) {
      cursor_known_ = true;
      buffer_.restart(cursor);
      open_log_if_due();
      return;
    }
    if (cursor < buffer_.base() && log_opened_ && !frozen_) {
      rewind(cursor);
      return;
    }
    auto& settings = context_->settings;
    auto keep = context_->log_bytes->load() > settings.log_total_bytes
                  ? std::size_t{0}
                  : settings.log_buffer_bytes / 2;
    give_back(buffer_.forget(cursor, keep));
  }

  // Lines that the server has had are wanted again (a repeated StartScript):
  // read the log anew.
  void rewind(std::int64_t cursor) {
    account(0, buffer_.restart(cursor));
    log_ended_ = false;
    marker_.reset();
    // Until the log says that it begins anew, what comes is of the reading
    // before.
    ++rewinding_;
    self_->request(log_, caf::infinite, open_log{pod_name_, cursor})
      .then([this] { --rewinding_; }, [](const caf::error&) {});
  }

  void give_back(std::size_t freed) {
    if (freed == 0)
      return;
    account(0, freed);
    self_->send(log_, log_credit{freed});
  }

  void account(std::size_t more, std::size_t less) {
    *context_->log_bytes += more;
    *context_->log_bytes -= less;
  }

  void say_phase() {
    auto now = context_->now();
    if (gone_ || frozen_
        || (said_phase_ == verdict_.phase
            && now - said_at_ < context_->patience.phase_line))
      return;
    said_phase_ = verdict_.phase;
    said_at_ = now;
    say(output_source::debug, phase_line(pod_name_, verdict_.phase));
  }

  // -- the end --------------------------------------------------------------

  // The exit code, once state and lines are final.
  std::optional<std::int32_t> result_code() const {
    if (forced_)
      return forced_;
    if (log_opened_ && !log_ended_)
      return std::nullopt;
    if (verdict_.container_ended) {
      // A container that has ended has a log; it is opened on the next step.
      if (!log_opened_ && !gone_)
        return std::nullopt;
      return verdict_.exit_code;
    }
    if (marker_)
      return marker_;
    if (verdict_.phase == pod_phase::failed
        || verdict_.phase == pod_phase::succeeded)
      return verdict_.exit_code;
    if (gone_)
      return exit_pod_not_found;
    return std::nullopt;
  }

  // The result is fixed by the worker; what comes from the pod is ignored.
  void force(std::int32_t code) {
    forced_ = code;
    frozen_ = true;
    self_->send(log_, container_ended_atom_v);
    expire_result();
  }

  // A result that nobody completes is not kept for ever [ORP-04].
  void expire_result() {
    if (!std::exchange(expiring_, true))
      result_timer_ = self_->run_delayed(context_->patience.result,
                                         [this] { end_by_completion(); });
  }

  caf::result<script_status> cancel(std::int64_t cursor) {
    step("operation.cancel");
    // A script that has ended keeps its exit code [RPC-12].
    if (forced_ || verdict_.container_ended || marker_ || gone_)
      return status(cursor);
    auto reply = self_->make_response_promise<script_status>();
    cancelling_.push_back({reply, cursor});
    // One that comes meanwhile waits for the same end.
    if (cancelling_.size() == 1) {
      cancel_timer_.dispose();
      cancel_timer_ = self_->run_delayed(context_->patience.rpc, [this] {
        say(output_source::debug, "The cluster has not confirmed the end of "
                                  "the Kubernetes Pod '"
                                    + pod_name_ + "' yet.");
        answer_cancellations();
      });
    }
    self_->request(lifecycle_, caf::infinite, cancel_atom_v)
      .then(
        [this] {
          if (!forced_ && !verdict_.container_ended) {
            say(output_source::debug,
                "Kubernetes Pod " + pod_name_ + " has been terminated.");
            say(output_source::out, "Script execution canceled.");
            force(exit_cancelled);
          }
          if (start_promise_.pending())
            start_promise_.deliver(started());
          answer_cancellations();
        },
        [this](const caf::error& e) {
          say(output_source::debug,
              "The Kubernetes Pod could not be deleted: " + to_failure(e).text);
          answer_cancellations();
        });
    return reply;
  }

  void answer_cancellations() {
    cancel_timer_.dispose();
    for (auto& [reply, cursor] : std::exchange(cancelling_, {}))
      reply.deliver(status(cursor));
  }

  caf::result<void> complete() {
    step("operation.complete");
    auto reply = self_->make_response_promise<void>();
    completing_.push_back(reply);
    if (completing_.size() > 1)
      return reply;
    complete_timer_.dispose();
    complete_timer_ = self_->run_delayed(context_->patience.rpc,
                                         [this] { answer_completions(); });
    end_by_completion();
    return reply;
  }

  void answer_completions() {
    for (auto& reply : std::exchange(completing_, {}))
      reply.deliver();
  }

  void end_by_completion() {
    self_->request(lifecycle_, caf::infinite, complete_atom_v)
      .then(
        [this] {
          if (start_promise_.pending())
            start_promise_.deliver(started());
          answer_completions();
          leave();
        },
        // (the lifecycle broke, and this actor with it)
        [](const caf::error&) {});
  }

  void leave() {
    auto code = reported_ ? *reported_ : result_code().value_or(exit_cancelled);
    self_->send(intake_, operation_completed{ticket_, code});
    self_->quit(caf::exit_reason::user_shutdown);
  }

  void on_orphan(const collect_orphan& x) {
    step("operation.collect_orphan");
    // Only a result that is wholly here outlives its pod [ORP-04].
    if (result_code() && log_ended_)
      self_->send(lifecycle_, x);
  }

  void on_pending_too_long(const expire_pending& x) {
    step("operation.expire_pending");
    if (verdict_.phase != pod_phase::pending || forced_)
      return;
    say(output_source::err, pending_line(pod_name_, x.limit, verdict_.cause));
    force(exit_timeout);
    self_->request(lifecycle_, caf::infinite, cancel_atom_v)
      .then([] {}, [](const caf::error&) {});
  }

  // -- news -----------------------------------------------------------------

  void on_progress(const pod_progress& x) {
    step("operation.pod_progress");
    if (x.gone || x.verdict.container_ended)
      expire_result();
    if (frozen_)
      return;
    auto before = std::exchange(verdict_, x.verdict);
    if (!verdict_.cause.empty() && verdict_.cause != before.cause)
      say_cause();
    if (verdict_.container_ended || x.gone
        || verdict_.phase == pod_phase::failed)
      self_->send(log_, container_ended_atom_v);
    if (x.gone && !gone_) {
      gone_ = true;
      if (verdict_.container_ended && !log_opened_)
        say(output_source::err, "The output of the script is gone: its pod was "
                                "deleted before the worker could read it.");
      if (!verdict_.container_ended && !marker_)
        for (auto& text : pod_not_found_lines(pod_name_))
          say(output_source::err, std::move(text));
    }
    open_log_if_due();
  }

  void say_cause() {
    auto failed = verdict_.phase == pod_phase::failed;
    for (auto& [source, text] : cause_lines(verdict_.cause, failed))
      say(source, std::move(text));
  }

  void open_log_if_due() {
    auto due = verdict_.phase == pod_phase::running || verdict_.container_ended;
    if (log_opened_ || !cursor_known_ || !due || gone_)
      return;
    log_opened_ = true;
    self_->send(log_, open_log{pod_name_, buffer_.base()});
  }

  void on_event(const pod_event& event) {
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
  }

  void on_lines(const log_batch& x) {
    step("operation.log_batch");
    if (frozen_ || rewinding_ > 0)
      return;
    auto before = buffer_.bytes();
    buffer_.add(x.lines);
    auto added = buffer_.bytes() - before;
    account(added, 0);
    // Lines that were here already do not stay: give their room back.
    if (x.bytes > added)
      self_->send(log_, log_credit{x.bytes - added});
    for (auto& line : x.remarks)
      buffer_.add(line);
    if (x.end_marker && !marker_) {
      marker_ = x.end_marker;
      say(output_source::debug, "Marking '" + ticket_.task_id
                                  + "' as completed with exit code: '"
                                  + std::to_string(*marker_) + "'");
    }
  }

  void on_log_end(const log_end& x) {
    step("operation.log_end");
    if (rewinding_ > 0)
      return;
    log_ended_ = true;
    if (!x.whole && !frozen_)
      say(output_source::err, x.text);
  }

  // -- help -----------------------------------------------------------------

  void say(output_source source, std::string text) {
    buffer_.add({source, context_->now(), std::move(text)});
  }

  void step(std::string_view what) {
    context_->step(what, ticket_);
  }

  operation_actor::pointer self_;
  context_ptr context_;
  task_intake_actor intake_;
  script_ticket ticket_;
  std::string pod_name_;
  pod_lifecycle_actor lifecycle_;
  log_stream_actor log_;
  output_buffer buffer_;
  pod_verdict verdict_;
  bool gone_ = false;
  bool cursor_known_ = false;
  bool log_opened_ = false;
  bool log_ended_ = false;
  std::optional<std::int32_t> marker_;
  std::optional<std::int32_t> forced_;
  std::optional<std::int32_t> reported_;
  bool frozen_ = false;
  std::optional<pod_phase> said_phase_;
  timestamp said_at_;
  std::set<std::string> seen_events_;
  std::set<std::string> pulling_;
  // Readings of the log that were asked for and have not begun.
  unsigned rewinding_ = 0;
  bool expiring_ = false;
  status_promise start_promise_;
  // Cancellations that wait for the cluster, with their cursors.
  std::vector<std::pair<status_promise, std::int64_t>> cancelling_;
  std::vector<caf::typed_response_promise<void>> completing_;
  caf::disposable start_timer_;
  caf::disposable cancel_timer_;
  caf::disposable complete_timer_;
  caf::disposable result_timer_;
};

} // namespace

operation_actor spawn_operation(caf::local_actor& parent, context_ptr context,
                                task_intake_actor intake, operation_plan plan) {
  using impl = operation_actor::stateful_impl<operation>;
  return parent.spawn<impl, caf::linked>(std::move(context), std::move(intake),
                                         std::move(plan));
}

} // namespace cuttle
