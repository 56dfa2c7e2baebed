#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "infra/tentacle/document_writer.hpp"
#include "infra/tentacle/services.hpp"

namespace cuttle::tentacle::test {

/// One request with its response, taken apart as the transport does it.
struct exchange {
  halibut::rpc_request request;
  halibut::received_response response;
};

/// The request and the response of a recording `tests/vectors/<name>.json`.
/// Data streams have the recorded ids and lengths, and zeros for content.
exchange load_recorded(const std::string& name);

/// Takes an envelope in Base64 apart; the document of `halibut` 19.2.
halibut::rpc_request request_from(std::string_view base64);
halibut::received_response response_from(std::string_view base64);

/// A stream with that content.
received_stream stream_of(std::string bytes);

/// A request with one object for its parameter.
halibut::rpc_request
request_with(std::string service, std::string method,
             const std::function<void(document_writer&)>& write_members);

/// A request with parameters that `write` adds as "0", "1", ….
halibut::rpc_request
request_of(std::string service, std::string method,
           const std::function<void(document_writer&)>& write);

/// What the server's side reads of our response.
halibut::received_response as_received(const halibut::rpc_response& response);

/// The call, or a test failure with the error's text.
service_call decoded(const halibut::rpc_request& request);

/// The error, or a test failure.
halibut::server_error rejected(const halibut::rpc_request& request);

/// Lists members as `path: type`, for order and types of a document.
std::vector<std::string> layout(const halibut::bson_bytes& document);

} // namespace cuttle::tentacle::test
