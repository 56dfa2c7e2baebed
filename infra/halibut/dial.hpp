#pragma once

// Internal: for the .cpp files of this folder.

#include <string>

#include "infra/halibut/control_line.hpp"
#include "infra/halibut/event.hpp"
#include "infra/halibut/exchange.hpp"
#include "infra/halibut/limits.hpp"
#include "infra/halibut/polling_service.hpp"
#include "infra/halibut/transport.hpp"

namespace cuttle::halibut {

/// Who is dialled, for the sentence of a failure and what helps against it.
enum class dialled {
  /// A server node, by a polling worker.
  server,
  /// A listening worker, by a server.
  worker,
};

/// Connects `link` to the peer, through its proxy if it has one, and makes TLS
/// with the pinned peer. `wake` is notified by whoever cuts `link`. A peer with
/// another certificate than those that are trusted is `forbidden`.
task<void> dial(boost::asio::io_context& context, transport& link, event& wake,
                const server_endpoint& peer, dialled what,
                const halibut::limits& limits);

/// The initiator's half of the identification, on a connection that was
/// dialled: preamble, our id-line, the peer's (`halibut` 7.3). `thumbprint` is
/// our own, for the sentence of a failure.
task<void> introduce(exchange& wire, const peer_identity& self,
                     const std::string& thumbprint, const server_endpoint& peer,
                     dialled what, const halibut::limits& limits);

} // namespace cuttle::halibut
