#pragma once

#include <functional>
#include <memory>
#include <string>

#include "infra/kubernetes/http_thread.hpp"

namespace cuttle::kubernetes {

/// What is left when a request has failed for good.
struct request_failure {
  attempt last;
  failure why;
};

/// A request with all its attempts: waits for a place, sends, reads the token
/// again after 401, backs off and repeats as long as `patience` lasts. Lives
/// on the driver's thread; its destruction ends everything.
class request final : private transfer_owner {
public:
  /// Called once, outside of libcurl; may destroy the request.
  using on_end
    = std::function<void(tl::expected<std::string, request_failure> body)>;

  /// `what` names the request in failures, such as "create pod 'x'". `fresh`:
  /// the first attempt makes a connection of its own.
  request(http_thread& thread, http_request content, repeatable how,
          std::string what, on_end done, bool fresh = false);
  ~request() override;

  request(const request&) = delete;
  request& operator=(const request&) = delete;

private:
  // -- transfer_owner --------------------------------------------------------

  void on_headers(int status) override;
  body_answer on_body(std::string_view bytes) override;
  void on_done(const attempt& result) override;

  // -- attempts --------------------------------------------------------------

  void queue();
  void send();
  void drop_transfer();
  void repeat_after(std::chrono::milliseconds delay);
  void give_up(attempt last, failure why);

  http_thread& thread_;
  http_request content_;
  repeatable how_;
  std::string what_;
  on_end done_;
  steady::time_point deadline_;
  std::string body_;
  unsigned failures_ = 0;
  bool renewed_ = false;
  bool fresh_ = false;
  bool too_large_ = false;
  std::shared_ptr<void> place_;
  std::shared_ptr<http_thread::job> timer_;
  std::unique_ptr<transfer> transfer_;
};

} // namespace cuttle::kubernetes
