#pragma once

#include <caf/fwd.hpp>

#include "actors/context.hpp"
#include "messages/actors.hpp"

namespace cuttle {

/// Spawns the reader of one operation's output. It reads nothing before
/// `open_log`; `window` is how many bytes of text it may hand over before it
/// hears `log_credit`.
log_stream_actor spawn_log_stream(caf::local_actor& parent, context_ptr context,
                                  operation_actor operation,
                                  script_ticket ticket, std::size_t window);

} // namespace cuttle
