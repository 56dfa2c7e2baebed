#include "infra/kubernetes/request.hpp"

#include <algorithm>

#include "infra/telemetry/log.hpp"

namespace cuttle::kubernetes {

request::request(http_thread& thread, http_request content, repeatable how,
                 std::string what, on_end done, bool fresh)
  : thread_(thread), content_(std::move(content)), how_(how),
    what_(std::move(what)), done_(std::move(done)),
    deadline_(steady::now() + thread.options().patience), fresh_(fresh) {
  queue();
}

request::~request() {
  drop_transfer();
}

void request::on_headers(int) {
  // The status comes with the end.
}

body_answer request::on_body(std::string_view bytes) {
  if (body_.size() + bytes.size() > thread_.options().body_bytes) {
    too_large_ = true;
    return body_answer::stop;
  }
  body_ += bytes;
  return body_answer::go_on;
}

void request::on_done(const attempt& result) {
  using kind = attempt::kind;
  drop_transfer();
  place_.reset();
  if (too_large_)
    return give_up(result, {errc::protocol_error,
                            "Cannot " + what_ + ": the answer is larger than "
                              + std::to_string(thread_.options().body_bytes)
                              + " bytes."});
  if (result.how == kind::answered && result.status >= 200
      && result.status < 300) {
    auto done = std::move(done_);
    auto body = std::move(body_);
    return done(std::move(body));
  }
  if (result.how == kind::answered && result.status == 401 && !renewed_
      && thread_.identity().renew()) {
    renewed_ = true;
    return queue();
  }
  api_status said;
  auto last = result;
  if (result.how == kind::answered) {
    said = thread_.reader().status(body_);
    if (!last.retry_after)
      last.retry_after = said.retry_after;
  }
  auto why = failure_of(last, said, what_);
  if (!worth_repeating(last, how_))
    return give_up(std::move(last), std::move(why));
  auto delay = thread_.backoff_for(++failures_);
  if (last.retry_after)
    delay = std::max<std::chrono::milliseconds>(delay, *last.retry_after);
  if (steady::now() + delay >= deadline_) {
    why.text += " Gave up after " + std::to_string(failures_)
                + (failures_ == 1 ? " attempt." : " attempts.");
    return give_up(std::move(last), std::move(why));
  }
  telemetry::debug("kubernetes-retry",
                   {{"reason", why.text}, {"delay_ms", delay.count()}});
  // A connection that broke once is not trusted with the next attempt.
  fresh_ = last.how == kind::lost;
  repeat_after(delay);
}

void request::queue() {
  body_.clear();
  place_ = thread_.admit([this] { send(); });
}

void request::send() {
  if (steady::now() >= deadline_) {
    place_.reset();
    attempt unsent;
    unsent.how = attempt::kind::not_received;
    return give_up(unsent,
                   {errc::deadline_exceeded,
                    "Cannot " + what_
                      + ": too many requests to the API server were waiting "
                        "before it."});
  }
  transfer_ = thread_.send(content_, *this, fresh_);
}

void request::drop_transfer() {
  if (!transfer_)
    return;
  thread_.abandon(*transfer_);
  transfer_.reset();
}

void request::repeat_after(std::chrono::milliseconds delay) {
  timer_ = thread_.after(delay, [this] { queue(); });
}

void request::give_up(attempt last, failure why) {
  auto done = std::move(done_);
  done(tl::unexpected(request_failure{std::move(last), std::move(why)}));
}

} // namespace cuttle::kubernetes
