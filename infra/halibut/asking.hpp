#pragma once

// Internal: for the .cpp files of this folder.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "infra/halibut/client.hpp"
#include "infra/halibut/exchange.hpp"
#include "infra/halibut/limits.hpp"
#include "infra/halibut/rpc.hpp"

namespace cuttle::halibut {

/// A call from its queueing to its end.
struct pending_call {
  explicit pending_call(boost::asio::io_context& context) : timer(context) {}

  std::string id;
  std::uint64_t number = 0;
  guid activity{};
  outgoing_request request;
  result_function on_result;
  /// Limits the time in a queue.
  boost::asio::steady_timer timer;
  /// Bytes of it may have left.
  bool sent = false;
};

/// Ends a call; a second end is none.
void finish(pending_call& call, call_result result);

/// The middle of the Client side, the same in both modes: sends `document`,
/// which is the call's request, after the control line `before`, and its data
/// streams, reads the response, and ends the call, whatever happens. A failure
/// costs the connection.
task<void> ask(exchange& wire, pending_call& call, bson_bytes document,
               std::string_view before, const halibut::limits& limits);

} // namespace cuttle::halibut
