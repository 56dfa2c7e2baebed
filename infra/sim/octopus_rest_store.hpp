#pragma once

#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "infra/sim/octopus_rest.hpp"
#include "infra/sim/octopus_rest_http.hpp"

namespace cuttle::sim {

/// The resources of the embedded REST API and what each request does to them.
/// Not thread-safe.
class octopus_rest_store {
public:
  explicit octopus_rest_store(octopus_rest::options options);

  /// Never throws on account of the request.
  rest_reply handle(const rest_request& request);

  std::string add_user(const octopus_rest::user& who);
  std::string add_space(const std::string& name);
  std::string add_pool(const std::string& space, const std::string& name,
                       bool dynamic);
  std::string add_policy(const std::string& space, const std::string& name,
                         const std::string& update_behaviour);
  std::string add_worker(const std::string& space, nlohmann::json worker);

  std::string health = "Unknown";
  long clock_skew = 0;

  /// Of the certificate for polling.
  void set_thumbprint(const std::string& text) {
    options_.thumbprint = text;
  }

  std::vector<std::string> workers(const std::string& space) const;

private:
  using json = nlohmann::json;

  struct account {
    std::string id;
    octopus_rest::user who;
  };

  /// A request with its path cut into pieces.
  struct call {
    const rest_request& request;
    std::vector<std::string> path;
    std::map<std::string, std::string> query;
    const account* user = nullptr;
  };

  struct space {
    std::string id;
    std::string name;
    std::vector<json> pools;
    std::vector<json> policies;
    std::vector<json> workers;
  };

  rest_reply route(const call& x);
  rest_reply route_space(const call& x, space& where);
  rest_reply route_user(const call& x);
  rest_reply workers_of(const call& x, space& where);
  rest_reply write_worker(const call& x, space& where, json* old);
  rest_reply list(const call& x, const std::vector<json>& items) const;
  rest_reply root() const;
  rest_reply login(const call& x);
  const account* authenticate(const rest_request& request) const;
  bool may_enter(const account& who, const std::string& id) const;
  json space_document(const space& x) const;
  json worker_document(const space& where, json worker) const;
  std::string next_id(const std::string& kind);

  octopus_rest::options options_;
  std::vector<account> users_;
  std::vector<space> spaces_;
  /// User ids by token and by cookie; CSRF values by cookie.
  std::map<std::string, std::string> tokens_;
  std::map<std::string, std::pair<std::string, std::string>> sessions_;
  std::map<std::string, unsigned> ids_;
};

} // namespace cuttle::sim
