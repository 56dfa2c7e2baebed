#pragma once

#include <caf/fwd.hpp>

#include "actors/context.hpp"
#include "messages/actors.hpp"

namespace cuttle {

/// Spawns the actor that counts what happened to the release's pods.
event_recorder_actor spawn_event_recorder(caf::local_actor& parent,
                                          context_ptr context);

} // namespace cuttle
