#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "infra/halibut/rpc.hpp"
#include "messages/failure.hpp"

namespace cuttle::halibut {

/// What a link is doing, for health and logs.
struct link_event {
  enum class kind : std::uint8_t {
    /// Identified by the server and waiting for requests.
    connected,
    /// The connection ended or could not be made; `reason` says why, `retry_in`
    /// when the next attempt is (0 when that is up to the server).
    disconnected,
    /// Listening mode: servers may dial in from now on; no link yet.
    listening,
    /// Ended for good, after `stop`.
    stopped,
  };
  kind what = kind::connected;
  /// Number of the connection, from 0.
  unsigned connection = 0;
  failure reason;
  std::chrono::milliseconds retry_in{0};
};

/// Delivers the answer to one request. Callable once, from any thread; later
/// calls and calls after the connection broke are ignored. Destroying the last
/// copy without a call answers with a transient error.
using reply_function = std::function<void(rpc_response)>;

/// Callbacks of the Service side, in either mode. All are called on the links'
/// thread, one at a time, never after `stop`'s `done` was called.
struct service_callbacks {
  /// Called once for each request. Must not block.
  std::function<void(rpc_request, reply_function)> on_request;
  /// Called on each change of a connection's state.
  std::function<void(const link_event&)> on_link;
};

} // namespace cuttle::halibut
