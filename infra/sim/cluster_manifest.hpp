#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "infra/sim/cluster_status.hpp"

namespace cuttle::sim {

/// What is wrong with an object that a client wants to create or has patched:
/// name, labels, annotations, and for pods the parts of the spec that a worker
/// sets. Empty when it is valid.
std::vector<field_error> validate(std::string_view resource,
                                  const nlohmann::json& object);

/// Fills in what Kubernetes fills in for a new pod: grace period, restart
/// policy, service account, pull policies, and the first status.
void set_pod_defaults(nlohmann::json& pod);

/// Moves `stringData` of a secret to `data`.
void set_secret_defaults(nlohmann::json& secret);

/// The container that runs as a process: the one named like the pod, else the
/// first one. The pod must be valid.
const nlohmann::json& script_container(const nlohmann::json& pod);

/// Replaces `$(NAME)` by a variable's value; `$$` stands for `$`, unknown names
/// stay as they are.
std::string expand(std::string_view text,
                   const std::map<std::string, std::string>& variables);

} // namespace cuttle::sim
