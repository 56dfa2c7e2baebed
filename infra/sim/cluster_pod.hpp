#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "messages/script.hpp"

namespace cuttle::sim {

/// Name of the only node.
inline constexpr const char* node_name = "node-1";

/// How a container ended.
struct container_end {
  int exit_code = 0;
  /// `Completed`, `Error`, `OOMKilled`, `StartError`, …
  std::string reason;
  std::string message;
  /// Not set for a container that could not be started.
  timestamp started;
  timestamp finished;
};

// What a kubelet writes into a pod's status. Each function takes the pod and
// changes it.

/// No node has room.
void mark_unschedulable(nlohmann::json& pod, const std::string& message);

/// Bound to the node; all containers wait.
void mark_scheduled(nlohmann::json& pod, timestamp now);

/// The script container waits for a reason such as `ImagePullBackOff`.
void mark_waiting(nlohmann::json& pod, const std::string& reason,
                  const std::string& message);

/// All containers run.
void mark_running(nlohmann::json& pod, timestamp now);

/// The script container ended; sidecars go on.
void mark_ended(nlohmann::json& pod, const container_end& end);

/// The kubelet stopped what still ran beside the script container.
void mark_sidecars_ended(nlohmann::json& pod, timestamp now);

/// Evicted, preempted …: failed as a whole.
void mark_failed(nlohmann::json& pod, const std::string& reason,
                 const std::string& message);

} // namespace cuttle::sim
