#pragma once

#include <caf/fwd.hpp>

#include "actors/context.hpp"
#include "messages/actors.hpp"

namespace cuttle {

/// Spawns the actor that looks after what nobody asks for any more.
housekeeping_actor spawn_housekeeping(caf::local_actor& parent,
                                      context_ptr context,
                                      task_intake_actor intake);

} // namespace cuttle
