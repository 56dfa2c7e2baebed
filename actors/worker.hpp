#pragma once

#include <caf/fwd.hpp>

#include "actors/context.hpp"
#include "messages/actors.hpp"

namespace cuttle {

/// Spawns the root. It ends with `user_shutdown` after a drain, and with
/// `errc::internal` when its children break too often.
worker_actor spawn_worker(caf::actor_system& system, context_ptr context);

} // namespace cuttle
