#pragma once

// Internal: for the .cpp files of this folder.

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "infra/halibut/event.hpp"
#include "infra/halibut/exchange.hpp"
#include "infra/halibut/io_thread_impl.hpp"
#include "infra/halibut/limits.hpp"
#include "infra/halibut/reply.hpp"
#include "infra/halibut/service.hpp"

namespace cuttle::halibut {

/// What became of a message that was read.
struct served {
  /// It was a request, and is answered; else a null message.
  bool request = false;
  /// The control line that was written after the answer, if any.
  std::string_view line;
};

/// The middle of the Service side, the same in both modes: a message that was
/// read becomes a request, an answer, and bytes again. Refers to the service
/// that its links belong to; used on the links' thread.
struct answering {
  io_thread::impl& io;
  const halibut::limits& limits;
  const service_callbacks& callbacks;
  /// The owner is gone: nobody takes requests any more.
  const bool& abandoned;
  /// Who asks, for logs.
  std::string peer;
  /// Told when a request has come (true) and when its answer is written, or
  /// never will be (false).
  std::function<void(bool)> on_busy;
  /// The control line that follows an answer, asked for when that is written,
  /// or null.
  std::function<std::string_view()> line_after;

  /// Waits for a message as long as `patience`, which `setting` gives, with
  /// `waiting` set, and answers it, unless it is a null message. `wake` is
  /// notified by whoever cuts the link. A failure costs the connection;
  /// `waiting` is still set then if nothing came.
  task<served> serve_one(exchange& wire, event& wake, bool& waiting,
                         std::chrono::milliseconds patience,
                         std::string_view what, const char* setting) const;

private:
  task<served> answer(exchange& wire, event& wake, bson_bytes document) const;
  void hand_over(const std::shared_ptr<reply_slot>& slot,
                 rpc_request& request) const;
  task<rpc_response> ask(transport& link, event& wake,
                         rpc_request request) const;
};

} // namespace cuttle::halibut
