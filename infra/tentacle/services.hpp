#pragma once

#include <string>
#include <variant>

#include "infra/halibut/rpc.hpp"
#include "messages/file.hpp"
#include "messages/script.hpp"

namespace cuttle::tentacle {

/// `ICapabilitiesServiceV2.GetCapabilities`.
struct get_capabilities {};

/// A call of one of the services that a Kubernetes worker has.
using service_call
  = std::variant<get_capabilities, start_script, get_status, cancel_script,
                 complete_script, upload_file, download_file>;

/// Decodes a request of the transport, or says with a peer-shaped error why it
/// is none (`halibut` 13.4): unknown service, unknown method, wrong parameters.
std::variant<service_call, halibut::server_error>
decode(const halibut::rpc_request& request);

/// Results as response documents, with the `$type` names of
/// `tentacle-services` section 2. Text is made valid UTF-8.
halibut::rpc_response encode_capabilities(const std::string& request_id);
halibut::rpc_response encode(const std::string& request_id,
                             const script_status& status);
halibut::rpc_response encode(const std::string& request_id,
                             const uploaded_file& file);
halibut::rpc_response encode(const std::string& request_id,
                             const downloaded_file& file);
/// The null result of CompleteScript.
halibut::rpc_response encode_nothing(const std::string& request_id);

/// A failure as the peer's client has to see it: `unavailable`, `overloaded`,
/// `shutting_down` and `deadline_exceeded` so that it tries again, all others
/// as the failure of the method (`halibut` 13.3, 13.4).
halibut::rpc_response encode(const std::string& request_id,
                             const failure& reason);

} // namespace cuttle::tentacle
