#pragma once

#include <string>
#include <vector>

#include "infra/halibut/rpc.hpp"
#include "messages/file.hpp"
#include "messages/script.hpp"

namespace cuttle::tentacle {

/// The server's half of the services: requests out, results in. Used by the
/// embedded server, the tests and the load benchmarks.
halibut::outgoing_request make_get_capabilities();
halibut::outgoing_request make_request(const start_script& command);
halibut::outgoing_request make_request(const get_status& request);
halibut::outgoing_request make_request(const cancel_script& command);
halibut::outgoing_request make_request(const complete_script& command);
halibut::outgoing_request make_upload(const std::string& remote_path,
                                      halibut::guid id,
                                      outgoing_stream contents);
halibut::outgoing_request make_download(const std::string& remote_path);

/// Results. A response that carries an error becomes a failure whose text is
/// the error's message: `unavailable` when the real client would try again,
/// `invalid_request` when it would not.
outcome<std::vector<std::string>>
read_capabilities(const halibut::received_response& response);
outcome<script_status> read_status(const halibut::received_response& response);
outcome<void> read_nothing(const halibut::received_response& response);
outcome<uploaded_file> read_upload(const halibut::received_response& response);
/// Null when the file does not exist.
outcome<received_stream>
read_download(const halibut::received_response& response);

} // namespace cuttle::tentacle
