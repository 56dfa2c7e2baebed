#pragma once

#include <functional>

#include "infra/halibut/rpc.hpp"
#include "messages/failure.hpp"

namespace cuttle::halibut {

/// How a call ended on the Client side: the peer's response (which may carry a
/// `server_error`), or why there is none.
using call_result = outcome<received_response>;

/// Takes the end of a call: called once, on the links' thread.
using result_function = std::function<void(call_result)>;

/// Told on the links' thread when a connection is refused or broken, with one
/// sentence that says why.
using trouble_function = std::function<void(const std::string& reason)>;

} // namespace cuttle::halibut
