#pragma once

#include <memory>
#include <string>

#include "infra/kubernetes/http_thread.hpp"
#include "infra/kubernetes/kubelet_notice.hpp"

namespace cuttle::kubernetes {

/// One follow stream over a connection of its own. It has no deadline once the
/// connection stands: the kubelet sends the headers with the first line, and a
/// script may be silent for hours. TCP notices a peer that is gone.
class follow_call final : public call, private transfer_owner {
public:
  follow_call(http_thread& thread, std::shared_ptr<call_flags> flags,
              log_query query, log_callbacks callbacks);
  ~follow_call() override;

  void start() override;
  void resumed() override;

private:
  void on_headers(int status) override;
  body_answer on_body(std::string_view bytes) override;
  void on_done(const attempt& result) override;
  void send();
  void drop_transfer();

  http_thread& thread_;
  log_query query_;
  log_callbacks callbacks_;
  int status_ = 0;
  std::string error_body_;
  kubelet_notice notice_;
  bool renewed_ = false;
  /// Whether libcurl holds bytes back for us.
  bool held_ = false;
  std::unique_ptr<transfer> transfer_;
};

} // namespace cuttle::kubernetes
