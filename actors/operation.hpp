#pragma once

#include <caf/fwd.hpp>
#include <optional>

#include "actors/context.hpp"
#include "messages/actors.hpp"

namespace cuttle {

/// What an operation begins with.
struct operation_plan {
  script_ticket ticket;
  /// The command, for a script that has to be started.
  std::shared_ptr<const start_script> command;
  /// The pod, for one that was found in the cluster.
  std::optional<pod_snapshot> pod;
  /// The cluster's version, if known.
  std::optional<kubernetes::cluster_version> version;
  /// A line for the task log, such as why the operation was rebuilt.
  std::string note;
  /// Whether the volume has the request.
  request_state request = request_state::none;
};

/// Spawns the tree of one operation.
operation_actor spawn_operation(caf::local_actor& parent, context_ptr context,
                                task_intake_actor intake, operation_plan plan);

} // namespace cuttle
