#pragma once

// Internal: for the .cpp files of this folder.

#include <memory>
#include <optional>

#include "infra/halibut/event.hpp"
#include "infra/halibut/io_thread_impl.hpp"
#include "infra/halibut/service.hpp"

namespace cuttle::halibut {

/// Where a link waits for the answer to the request that it handed over.
/// Touched on the links' thread only; gone when the link no longer waits.
struct reply_slot {
  std::optional<rpc_response> response;
  event* waiter = nullptr;
};

/// Makes the function that answers the request `id` into `slot`, from whatever
/// thread, also long after the link and its thread are gone.
reply_function make_reply(std::shared_ptr<io_gate> gate,
                          std::weak_ptr<reply_slot> slot, std::string id);

/// An error response that the peer's client takes as a reason to try again
/// (`halibut` 13.4).
rpc_response transient_error(std::string id, std::string message);

} // namespace cuttle::halibut
