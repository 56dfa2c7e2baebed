#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "infra/sim/cluster_kubelet.hpp"
#include "infra/sim/cluster_log.hpp"
#include "infra/sim/cluster_request.hpp"
#include "infra/sim/cluster_store.hpp"
#include "infra/sim/cluster_trouble.hpp"

namespace cuttle::sim {

/// An HTTP request as the API sees it.
struct api_request {
  std::string method;
  std::string target;
  std::string authorization;
  std::string content_type;
  std::string body;
  /// When all of it had come.
  std::chrono::steady_clock::time_point received
    = std::chrono::steady_clock::now();
};

/// An answer that is whole at once.
struct plain_answer {
  unsigned status = 200;
  std::string body;
  std::map<std::string, std::string> headers;
  std::string content_type = "application/json";
};

/// An answer that goes on with what happens after `version`.
struct watch_answer {
  std::string resource;
  selector which;
  std::uint64_t version = 0;
  bool bookmarks = false;
  std::chrono::seconds timeout{1'800};
  /// Objects to begin with.
  std::vector<object_ptr> first;
};

/// An answer that is a container's log.
struct log_answer {
  /// Null: nothing to read.
  std::shared_ptr<container_log> log;
  log_reader::options options;
  bool follow = false;
  std::string uid;
};

struct api_answer {
  std::variant<plain_answer, watch_answer, log_answer> content;
  /// The connection has to be cut instead of answering.
  bool lost = false;
};

/// The API server without its wire: authentication, authorisation, and what
/// each request does to the store and to the kubelet. Never blocks;
/// thread-safe.
class cluster_api {
public:
  struct options {
    std::string namespace_name;
    std::string token;
    std::string kubernetes_version;
    std::vector<std::string> service_accounts;
    /// A pod object was created; `asked` is when the whole request for it had
    /// come. May be null.
    std::function<void(const std::string& name,
                       std::chrono::steady_clock::time_point asked)>
      on_pod;
  };

  cluster_api(options options, cluster_store& store, kubelet& node,
              cluster_trouble& trouble);

  /// A request is in flight until the result goes. `refusal`: there are too
  /// many such requests already, and it is not to be handled.
  struct admission {
    std::shared_ptr<void> place;
    std::optional<api_answer> refusal;
  };
  admission enter(const api_request& request);

  /// Never throws.
  api_answer handle(const api_request& request);

  void set_token(std::string token);

  /// Deletes a pod as DELETE does. Without `grace` the pod's own applies.
  store_result delete_pod(const std::string& name, const std::string& uid,
                          std::optional<std::chrono::seconds> grace);

private:
  using content = std::variant<plain_answer, watch_answer, log_answer>;
  using result = tl::expected<content, api_error>;

  bool known_token(std::string_view authorization) const;
  result route(const request_path& path, const api_request& request);
  result route_plain(const request_path& path) const;
  result get(const request_path& path) const;
  result list(const request_path& path) const;
  result watch(const request_path& path) const;
  result log(const request_path& path) const;
  result create(const request_path& path, const api_request& request);
  result patch(const request_path& path, const api_request& request);
  result remove(const request_path& path, const api_request& request);
  std::optional<api_error> check_account(const nlohmann::json& pod) const;
  std::optional<api_error> check_quota(const nlohmann::json& pod) const;

  const options options_;
  cluster_store& store_;
  kubelet& kubelet_;
  cluster_trouble& trouble_;
  mutable std::mutex mutex_;
  std::string token_;
};

} // namespace cuttle::sim
