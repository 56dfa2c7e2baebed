#pragma once

#include <caf/fwd.hpp>

#include "actors/context.hpp"
#include "messages/actors.hpp"

namespace cuttle {

/// Spawns the intake. It reports to `health` once the pods are loaded.
task_intake_actor spawn_task_intake(caf::local_actor& parent,
                                    context_ptr context, health_actor health);

} // namespace cuttle
