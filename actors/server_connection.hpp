#pragma once

#include <caf/fwd.hpp>
#include <caf/typed_actor.hpp>

#include "actors/context.hpp"
#include "messages/actors.hpp"

namespace cuttle {

/// The actors that a connection passes requests on to.
struct request_targets {
  task_intake_actor intake;
  file_transfer_actor files;
  health_actor health;
};

/// Spawns the connection to one server, and opens its links.
server_connection_actor
spawn_server_connection(caf::local_actor& parent, context_ptr context,
                        const server_link_factory& server,
                        request_targets targets);

} // namespace cuttle
