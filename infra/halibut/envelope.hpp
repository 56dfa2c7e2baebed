#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "infra/halibut/data_stream.hpp"
#include "infra/halibut/limits.hpp"
#include "infra/halibut/rpc.hpp"

namespace cuttle::halibut {

/// What a Service reads: a request without its streams, or a null message.
struct decoded_request {
  bool null = false;
  rpc_request request;
  std::vector<stream_placeholder> placeholders;
};

/// What a Client reads: a response without its streams.
struct decoded_response {
  received_response response;
  std::vector<stream_placeholder> placeholders;
};

/// What a Client says about a request besides the call.
struct request_header {
  std::string id;
  guid activity{};
  /// `poll://…/`.
  std::string base_uri;
  /// The Service's thumbprint.
  std::string remote_thumbprint;
};

/// The BSON document of the null message, `{ "Message": null }`.
std::span<const std::uint8_t> null_document();

/// Decodes a request document. Member names match in any case, unknown members
/// are skipped (`halibut` 11.1).
outcome<decoded_request> decode_request(std::span<const std::uint8_t> document,
                                        const halibut::limits& limits);

/// Decodes a response document (`halibut` 11.2). A null message is a failure.
outcome<decoded_response>
decode_response(std::span<const std::uint8_t> document,
                const halibut::limits& limits);

/// Encodes a request. Fails with `internal` when `params` is no valid array or
/// its placeholders are not those of the streams.
outcome<bson_bytes> encode_request(const outgoing_request& request,
                                   const request_header& header,
                                   const halibut::limits& limits);

/// Encodes a response, its text made valid UTF-8. Fails with `internal` when
/// `result` is no valid document or its placeholders are not those of the
/// streams.
outcome<bson_bytes> encode_response(const rpc_response& response,
                                    const halibut::limits& limits);

} // namespace cuttle::halibut
