#include "infra/kubernetes/follow_call.hpp"

#include "infra/kubernetes/paths.hpp"

namespace cuttle::kubernetes {

follow_call::follow_call(http_thread& thread, std::shared_ptr<call_flags> flags,
                         log_query query, log_callbacks callbacks)
  : call(std::move(flags)), thread_(thread), query_(std::move(query)),
    callbacks_(std::move(callbacks)) {}

follow_call::~follow_call() {
  drop_transfer();
}

void follow_call::start() {
  send();
}

void follow_call::resumed() {
  if (!held_ || !transfer_)
    return;
  held_ = false;
  transfer_->resume();
}

void follow_call::on_headers(int status) {
  status_ = status;
}

body_answer follow_call::on_body(std::string_view bytes) {
  constexpr size_t longest_error = 64 * 1024;
  if (flags().cancelled)
    return body_answer::stop;
  if (status_ != 200) {
    error_body_ += bytes.substr(0, longest_error - error_body_.size());
    return body_answer::go_on;
  }
  if (flags().paused) {
    held_ = true;
    return body_answer::pause;
  }
  auto passed = notice_.filter(bytes);
  if (!passed.empty())
    tell(callbacks_.on_data, passed);
  return body_answer::go_on;
}

void follow_call::on_done(const attempt& result) {
  using kind = attempt::kind;
  drop_transfer();
  if (flags().cancelled)
    return;
  auto what = "follow the log of pod '" + query_.pod + "'";
  auto answered = result.how == kind::answered;
  if (answered && result.status == 401 && !renewed_
      && thread_.identity().renew()) {
    renewed_ = true;
    return send();
  }
  failure why;
  if (!answered || result.status != 200) {
    api_status said;
    if (answered)
      said = thread_.reader().status(error_body_);
    why = failure_of(result, said, what);
    // The container has not started [LOG-02].
    if (answered && result.status == 400)
      why.code = errc::not_found;
  } else if (notice_.found()) {
    why = {errc::unavailable,
           "Cannot " + what
             + ": its node has no inotify instance left (failed to create "
               "fsnotify watcher: too many open files). Raise "
               "fs.inotify.max_user_instances on the node."};
  }
  if (auto rest = notice_.rest(); status_ == 200 && !rest.empty())
    tell(callbacks_.on_data, rest);
  tell(callbacks_.on_end, why);
  thread_.close(this);
}

void follow_call::send() {
  status_ = 0;
  error_body_.clear();
  held_ = false;
  http_request content;
  content.verb = "log";
  content.resource = "pods";
  content.name = query_.pod;
  content.endless = true;
  content.alone = true;
  content.path = log_path(thread_.where().namespace_name, query_);
  transfer_ = thread_.send(content, *this, true);
}

void follow_call::drop_transfer() {
  if (!transfer_)
    return;
  thread_.abandon(*transfer_);
  transfer_.reset();
}

} // namespace cuttle::kubernetes
