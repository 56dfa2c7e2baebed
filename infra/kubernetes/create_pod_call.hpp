#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "infra/kubernetes/cluster.hpp"
#include "infra/kubernetes/http_thread.hpp"
#include "infra/kubernetes/request.hpp"

namespace cuttle::kubernetes {

/// Creates a pod at most once. When it is not known whether the server acted
/// on the request, or when a pod of that name exists, the pod is read: it
/// counts as created if it carries every label that was posted, so also the
/// ticket and the task.
class create_pod_call final : public call {
public:
  create_pod_call(http_thread& thread, std::shared_ptr<call_flags> flags,
                  std::string manifest_json, creation_callbacks callbacks);
  ~create_pod_call() override;

  void start() override;

private:
  using answer = tl::expected<std::string, request_failure>;

  void on_created(answer result);
  /// The server has no room for the request now.
  void end_overloaded(const attempt& last);
  void look();
  void on_found(answer result);
  bool is_ours(std::string_view pod_json);
  void end(creation_outcome result);

  http_thread& thread_;
  std::string manifest_;
  creation_callbacks callbacks_;
  std::string name_;
  std::map<std::string, std::string> labels_;
  /// Why the pod had to be looked for.
  failure doubt_;
  unsigned looks_left_ = 0;
  unsigned looks_ = 0;
  std::shared_ptr<http_thread::job> timer_;
  std::unique_ptr<request> request_;
};

} // namespace cuttle::kubernetes
