#pragma once

#include <caf/fwd.hpp>

#include "actors/context.hpp"
#include "messages/actors.hpp"

namespace cuttle {

/// Spawns the watch over the script pods, and opens it.
pod_watch_actor spawn_pod_watch(caf::local_actor& parent, context_ptr context,
                                task_intake_actor intake, health_actor health,
                                event_recorder_actor recorder = {});

} // namespace cuttle
