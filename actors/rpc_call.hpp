#pragma once

#include "infra/halibut/polling_service.hpp"
#include "messages/actors.hpp"

namespace cuttle {

/// One call from the server with the function that answers it.
struct rpc_call {
  halibut::rpc_request request;
  halibut::reply_function reply;
};

} // namespace cuttle
