#pragma once

#include "infra/workspace/store.hpp"
#include "messages/script.hpp"

namespace cuttle {

/// Removes a workspace that nobody waits for any more; a failure is a line in
/// the worker's log, and housekeeping tries again [WS-09]. Thread-safe; does
/// not block.
void discard_workspace(workspace::store& store, const script_ticket& ticket);

} // namespace cuttle
