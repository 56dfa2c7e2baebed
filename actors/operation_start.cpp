#include "actors/operation_impl.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle {

void operation::answer_start_when_kept(std::string line) {
  if (!start_promise_.pending() || std::exchange(keeping_, true))
    return;
  auto answer = [this, line = std::move(line)] {
    start_timer_.dispose();
    if (!start_promise_.pending())
      return;
    if (!line.empty())
      say(output_source::debug, line);
    start_promise_.deliver(started());
  };
  // A volume that hangs must not hold the server's call up for ever.
  start_timer_.dispose();
  start_timer_ = self_->run_delayed(context_->patience.rpc, answer);
  self_->request(lifecycle_, caf::infinite, keep_atom_v)
    .then(answer, [this, answer](const caf::error& e) {
      // (an end is told by whoever causes it)
      if (start_promise_.pending() && e != errc::cancelled)
        say(output_source::debug, "The request could not be kept on the "
                                  "volume: a restart of the worker would lose "
                                  "it. "
                                    + to_failure(e).text);
    });
}

void operation::on_created(const pod_created& x) {
  step("operation.pod_created");
  start_timer_.dispose();
  held_timer_.dispose();
  auto created = x.reason.code == errc::none;
  if (created || forced_ || x.reason.code == errc::cancelled)
    self_->send(intake_, creation_done{ticket_, created});
  if (created) {
    census_.created(context_->now());
    if (start_promise_.pending())
      start_promise_.deliver(started());
    return;
  }
  // Who ended the script while it was created answers its start as well.
  if (forced_ || x.reason.code == errc::cancelled)
    return;
  end_start(x.reason);
}

void operation::end_start(const failure& reason) {
  self_->request(lifecycle_, caf::infinite, cancel_atom_v)
    .then(
      [this, reason] {
        self_->send(intake_, creation_done{ticket_, false});
        if (start_promise_.pending()) {
          start_promise_.deliver(to_error(reason));
          return;
        }
        if (forced_)
          return;
        say(output_source::err, reason.text);
        force(reason.code == errc::deadline_exceeded ? exit_timeout
                                                     : exit_fatal);
      },
      // (the lifecycle broke, and this actor with it)
      [](const caf::error&) {});
}

void operation::on_held(const creation_held& x) {
  step("operation.creation_held");
  if (forced_)
    return;
  if (x.cause == hold_cause::quota && x.reason.text != held_cause_) {
    auto& limit = context_->settings.pending_limit;
    telemetry::info("creation-held",
                    {{"pod", pod_name_}, {"reason", x.reason.text}});
    for (auto& [source, line] :
         waiting_lines(x.reason.text + ' ' + held_prospect(limit)))
      say(source, std::move(line));
  }
  held_cause_ = x.reason.text;
  if (!std::exchange(held_, true) && context_->settings.pending_limit)
    held_timer_ = self_->run_delayed(*context_->settings.pending_limit,
                                     [this] { held_too_long(); });
  self_->send(intake_, x);
  // This can take very long.
  if (x.cause == hold_cause::quota)
    answer_start_when_kept({});
}

void operation::held_too_long() {
  if (forced_)
    return;
  end_start(
    {errc::deadline_exceeded,
     held_line(pod_name_, *context_->settings.pending_limit, held_cause_)});
}

} // namespace cuttle
