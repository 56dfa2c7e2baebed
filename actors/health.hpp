#pragma once

#include <caf/fwd.hpp>

#include "actors/context.hpp"
#include "messages/actors.hpp"

namespace cuttle {

/// Spawns the actor that answers the probes. It tells `root` once the pods are
/// loaded.
health_actor spawn_health(caf::local_actor& parent, context_ptr context,
                          worker_actor root);

} // namespace cuttle
