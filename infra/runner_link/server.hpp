#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "infra/crypto/cipher.hpp"
#include "infra/halibut/io_thread.hpp"
#include "messages/failure.hpp"
#include "messages/script.hpp"

namespace cuttle::runner_link {

/// Identifies one connection of one runner. 0 is none.
using session_id = std::uint64_t;

/// What the link of one operation tells, on the links' thread; must not block.
struct callbacks {
  /// The operation's runner is there: it has proved the key, and still holds
  /// the lines from number `first` on (one more than the last one, if it holds
  /// none). Nothing comes before `resume`. An earlier session has ended.
  std::function<void(session_id, std::int64_t first)> on_open;
  /// Bytes as in the pod's log, any cut: `<time> <frame>\n` for each line.
  std::function<void(session_id, std::string_view)> on_data;
  /// The connection is gone; a runner that lives dials again.
  std::function<void(session_id, const failure&)> on_close;
};

/// The worker's end of the runners' links (design: two ways for a log): accepts
/// runners, whose ticket and log key are the identity and the pre-shared key of
/// TLS 1.3. Thread-safe; no call blocks.
class server {
public:
  virtual ~server() = default;

  /// From now on the runner of that ticket may connect. Replaces an earlier
  /// expectation of the ticket.
  virtual void expect(const script_ticket& ticket, const crypto::log_key& key,
                      callbacks tell)
    = 0;
  /// Ends the link and refuses its runner from now on; at most one callback
  /// more when called on another thread than the links'.
  virtual void forget(const script_ticket& ticket) = 0;

  /// Lines shall come from number `after` + 1 on. Call once for each session,
  /// with a number not below `first` - 1.
  virtual void resume(session_id session, std::int64_t after) = 0;
  /// False stops reading from the socket, so that the runner has to wait.
  virtual void set_room(session_id session, bool room) = 0;
  /// Lines up to `number` have reached this process: a runner whose script has
  /// ended may go once that is its last line.
  virtual void received(session_id session, std::int64_t number) = 0;
  /// Lines up to `number` survive this process: the runner drops them.
  virtual void acknowledge(session_id session, std::int64_t number) = 0;
};

/// How to listen, and what one peer may cost.
struct server_options {
  /// An IP address; `::` takes IPv4 as well.
  std::string bind = "::";
  /// 0 lets the system choose.
  std::uint16_t port = 0;
  /// Connections at once; more are closed at once.
  std::size_t connections = 5'000;
  /// For the handshake and the hello, together.
  std::chrono::milliseconds handshake{10'000};
  /// A runner that has nothing to say sends a sign of life every third of it.
  std::chrono::milliseconds silence{30'000};
};

/// A server on the links' thread, listening; `port` gets the port it has.
outcome<std::unique_ptr<server>> make_server(halibut::io_thread& thread,
                                             server_options options,
                                             std::uint16_t& port);

} // namespace cuttle::runner_link
