#pragma once

#include <caf/fwd.hpp>
#include <vector>

#include "actors/context.hpp"
#include "messages/actors.hpp"

namespace cuttle {

/// Spawns the actor that hands over to a successor.
upgrade_actor spawn_upgrade(caf::local_actor& parent, context_ptr context,
                            task_intake_actor intake, health_actor health,
                            std::vector<server_connection_actor> servers);

} // namespace cuttle
