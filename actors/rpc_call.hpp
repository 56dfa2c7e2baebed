#pragma once

#include <chrono>

#include "infra/halibut/polling_service.hpp"
#include "messages/actors.hpp"

namespace cuttle {

/// One call from the server with the function that answers it.
struct rpc_call {
  std::chrono::steady_clock::time_point arrived;
  halibut::rpc_request request;
  halibut::reply_function reply;
};

} // namespace cuttle
