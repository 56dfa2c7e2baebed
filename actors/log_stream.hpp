#pragma once

#include <caf/fwd.hpp>

#include "actors/context.hpp"
#include "messages/actors.hpp"

namespace cuttle {

/// Spawns the reader of one operation's output. It reads nothing before
/// `open_log`, and hands over no more lines than its share of the memory allows
/// before it hears `log_credit`. `adopted`: the pod was started by an earlier
/// worker.
log_stream_actor spawn_log_stream(caf::local_actor& parent, context_ptr context,
                                  operation_actor operation,
                                  script_ticket ticket, bool adopted);

} // namespace cuttle
