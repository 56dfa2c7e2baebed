#pragma once

// Internal: for the .cpp files of this folder.

#include <memory>

#include "infra/halibut/event.hpp"
#include "infra/halibut/limits.hpp"
#include "infra/halibut/polling_service.hpp"
#include "infra/halibut/transport.hpp"

namespace cuttle::halibut {

/// Connects `link` to the server node, through its proxy if it has one, and
/// makes TLS with the pinned peer. `wake` is notified by whoever cuts `link`.
task<void> dial(boost::asio::io_context& context, transport& link, event& wake,
                const server_endpoint& server, const halibut::limits& limits);

} // namespace cuttle::halibut
