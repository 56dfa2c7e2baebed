#pragma once

#include <caf/fwd.hpp>

#include "actors/context.hpp"
#include "messages/actors.hpp"

namespace cuttle {

/// Spawns the actor for uploads and downloads.
file_transfer_actor spawn_file_transfer(caf::local_actor& parent,
                                        context_ptr context);

} // namespace cuttle
