#include "infra/sim/octopus_rest_store.hpp"
#include "infra/sim/octopus_rest_text.hpp"

namespace cuttle::sim {

namespace {

using nlohmann::json;

json thumbprint_of(const json& worker) {
  auto endpoint = worker.value("Endpoint", json::object());
  if (endpoint.contains("TentacleEndpointConfiguration"))
    endpoint = endpoint["TentacleEndpointConfiguration"];
  return endpoint.value("Thumbprint", json{});
}

} // namespace

nlohmann::json octopus_rest_store::worker_document(const space& where,
                                                   json worker) const {
  auto id = worker["Id"].get<std::string>();
  worker["HealthStatus"] = health;
  worker["SpaceId"] = where.id;
  worker["Links"]
    = {{"Self", options_.prefix + "/api/" + where.id + "/workers/" + id}};
  return worker;
}

rest_reply octopus_rest_store::workers_of(const call& x, space& where) {
  auto& method = x.request.method;
  if (method != "GET" && !x.user->who.worker_edit)
    return rest_refusal(403,
                        "You do not have permission to perform this action. "
                        "Please contact your Octopus administrator. Missing "
                        "permission: WorkerEdit");
  if (x.path.size() == 3 && method == "POST")
    return write_worker(x, where, nullptr);
  if (x.path.size() == 3 || x.path[3] == "all") {
    std::vector<json> found;
    auto name = x.query.find("name");
    auto thumbprint = x.query.find("thumbprint");
    for (auto& worker : where.workers) {
      // A part of the name is enough.
      if (name != x.query.end()
          && rest_lower(rest_text(worker, "Name"))
                 .find(rest_lower(name->second))
               == std::string::npos)
        continue;
      if (thumbprint != x.query.end()
          && thumbprint_of(worker) != thumbprint->second)
        continue;
      found.push_back(worker_document(where, worker));
    }
    return x.path.size() == 3 ? list(x, found) : rest_document(200, found);
  }
  auto* worker = rest_by_id(where.workers, x.path[3]);
  if (worker == nullptr)
    return rest_missing(x.path[3]);
  if (method == "GET")
    return rest_document(200, worker_document(where, *worker));
  if (method == "PUT")
    return write_worker(x, where, worker);
  if (method != "DELETE")
    return rest_refusal(405, "The method is not allowed.");
  std::erase_if(where.workers,
                [&](auto& other) { return other["Id"] == x.path[3]; });
  return rest_document(200, {{"Id", x.path[3]}});
}

rest_reply octopus_rest_store::write_worker(const call& x, space& where,
                                            json* old) {
  auto body = json::parse(x.request.body, nullptr, false);
  if (!body.is_object())
    return rest_refusal(400, "The request body is no JSON object.");
  std::vector<std::string> errors;
  auto name = rest_text(body, "Name");
  if (name.empty())
    errors.push_back("Please provide a value for 'Name'.");
  for (auto& other : where.workers)
    if (&other != old
        && rest_lower(rest_text(other, "Name")) == rest_lower(name))
      errors.push_back("A worker with this name already exists. Please choose "
                       "a different name.");
  auto pools = body.value("WorkerPoolIds", json::array());
  if (!pools.is_array() || pools.empty())
    errors.push_back("A worker must belong to at least one worker pool.");
  for (auto& pool : pools)
    if (!pool.is_string() || rest_by_id(where.pools, pool) == nullptr)
      errors.push_back("The worker pool does not exist.");
  if (rest_by_id(where.policies, rest_text(body, "MachinePolicyId")) == nullptr)
    errors.push_back("The machine policy does not exist.");
  auto thumbprint = thumbprint_of(body);
  if (!thumbprint.is_string() || thumbprint.get<std::string>().size() != 40)
    errors.push_back("Please provide a thumbprint.");
  if (!errors.empty())
    return rest_refusal(400, "There was a problem with your request.", errors);
  if (options_.on_worker) {
    auto endpoint
      = body["Endpoint"].value("TentacleEndpointConfiguration", json::object());
    options_.on_worker(thumbprint, rest_text(endpoint, "Uri"));
  }
  if (old != nullptr) {
    body["Id"] = (*old)["Id"];
    *old = body;
    return rest_document(200, worker_document(where, body));
  }
  body["Id"] = add_worker(where.id, body);
  return rest_document(201, worker_document(where, body));
}

} // namespace cuttle::sim
