#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "messages/failure.hpp"
#include "messages/stream.hpp"

namespace cuttle::halibut {

/// The 16 bytes of a Guid in wire order (.NET order, `halibut` 10.3).
using guid = std::array<std::uint8_t, 16>;

/// A random (version 4) guid.
guid make_guid();

/// `8c381b65-bb84-…` for the bytes `65 1b 38 8c 84 bb …`.
std::string to_string(const guid& x);

/// The inverse of `to_string`; nothing for other text.
std::optional<guid> parse_guid(std::string_view text);

/// A complete BSON document, as raw bytes.
using bson_bytes = std::vector<std::uint8_t>;

/// One call of a service, decoded as far as the transport goes.
struct rpc_request {
  /// Opaque, echoed byte for byte in the response.
  std::string id;
  /// Bare contract name, such as `IKubernetesScriptServiceV1`.
  std::string service;
  std::string method;
  /// The positional parameters as a BSON array document (keys "0", "1", …).
  bson_bytes params;
  /// The received data streams, by the id that the parameters refer to.
  std::vector<std::pair<guid, received_stream>> streams;
};

/// An error in the shape of the peer (`halibut` 11.2 and 13).
struct server_error {
  std::string message;
  std::string details;
  std::optional<std::string> halibut_type;
};

/// The answer to one call.
struct rpc_response {
  std::string id;
  std::optional<server_error> error;
  /// A document whose only element is called `result`; empty for null.
  bson_bytes result;
  /// Streams that `result` refers to, in the order of their placeholders.
  std::vector<std::pair<guid, outgoing_stream>> streams;
};

/// The same answer as its receiver (the Client side) gets it.
struct received_response {
  std::string id;
  std::optional<server_error> error;
  bson_bytes result;
  std::vector<std::pair<guid, received_stream>> streams;
};

/// A call as its sender (the Client side) gives it.
struct outgoing_request {
  std::string service;
  std::string method;
  bson_bytes params;
  std::vector<std::pair<guid, outgoing_stream>> streams;
};

} // namespace cuttle::halibut
