#pragma once

#include <caf/error.hpp>
#include <exception>

#include "messages/actors.hpp"

namespace cuttle {

/// An expected failure as the reply to a request.
caf::error to_error(const failure& reason);

/// The inverse. An error of CAF itself means that the receiver broke: the text
/// says so, and the code lets the server ask again.
failure to_failure(const caf::error& reason);

/// What a throwing handler ends its actor with; install it in every actor.
caf::error to_exit_reason(std::exception_ptr& thrown);

/// Installs the handlers that every actor has: exceptions end the tree.
template <class Self>
void install_handlers(Self* self) {
  self->set_exception_handler(
    [](std::exception_ptr& thrown) { return to_exit_reason(thrown); });
}

} // namespace cuttle
