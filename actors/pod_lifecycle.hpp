#pragma once

#include <caf/fwd.hpp>

#include "actors/context.hpp"
#include "messages/actors.hpp"

namespace cuttle {

/// Spawns the pod lifecycle of `parent`'s operation. `command` is null for a
/// pod that was found in the cluster; then the first `pod_changed` tells about
/// it. `version` is the cluster's, if known.
pod_lifecycle_actor spawn_pod_lifecycle(
  caf::local_actor& parent, context_ptr context, operation_actor operation,
  script_ticket ticket, std::shared_ptr<const start_script> command,
  std::optional<kubernetes::cluster_version> version, request_state request);

} // namespace cuttle
