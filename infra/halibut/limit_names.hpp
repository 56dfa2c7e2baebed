#pragma once

#include <chrono>
#include <string>

#include "messages/failure.hpp"

namespace cuttle::halibut {

/// The settings that raise a limit of the wire, for messages about it. They are
/// read in infra/settings and listed in docs/settings.md.
namespace raise {

inline constexpr auto message = "CUTTLE_WIRE_MESSAGE_BYTES";
inline constexpr auto all_messages = "CUTTLE_WIRE_ALL_MESSAGES_BYTES";
inline constexpr auto text = "CUTTLE_WIRE_STRING_BYTES";
inline constexpr auto nesting = "CUTTLE_WIRE_NESTING";
inline constexpr auto ratio = "CUTTLE_WIRE_INFLATE_RATIO";
inline constexpr auto streams = "CUTTLE_WIRE_STREAMS";
inline constexpr auto stream = "CUTTLE_WIRE_STREAM_BYTES";
inline constexpr auto connect = "CUTTLE_WIRE_CONNECT_SECONDS";
inline constexpr auto proxy = "CUTTLE_WIRE_PROXY_SECONDS";
inline constexpr auto handshake = "CUTTLE_WIRE_HANDSHAKE_SECONDS";
inline constexpr auto control = "CUTTLE_WIRE_CONTROL_SECONDS";
inline constexpr auto io = "CUTTLE_WIRE_IO_SECONDS";
inline constexpr auto request_wait = "CUTTLE_WIRE_REQUEST_WAIT_SECONDS";
inline constexpr auto listening_wait = "CUTTLE_LISTEN_REQUEST_WAIT_SECONDS";
inline constexpr auto connections = "CUTTLE_LISTEN_CONNECTIONS";
inline constexpr auto peer_connections = "CUTTLE_LISTEN_CONNECTIONS_PER_PEER";

} // namespace raise

/// Ends a sentence about a limit.
inline std::string raised_by(const char* setting) {
  return std::string{"; the setting "} + setting + " allows more";
}

/// The same failure; one that is a matter of time says how long it was waited
/// and which setting makes it longer.
inline failure limited(failure reason, std::chrono::milliseconds time,
                       const char* setting) {
  if (reason.code == errc::deadline_exceeded)
    reason.text
      += " for " + std::to_string(time.count()) + " ms" + raised_by(setting);
  return reason;
}

} // namespace cuttle::halibut
