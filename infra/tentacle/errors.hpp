#pragma once

#include <string>
#include <string_view>

#include "infra/halibut/rpc.hpp"
#include "messages/failure.hpp"

namespace cuttle::tentacle {

/// `HalibutErrorType` of the errors that mean "you called the wrong thing".
inline constexpr std::string_view service_not_found_type
  = "Halibut.Exceptions.ServiceNotFoundHalibutClientException";
inline constexpr std::string_view method_not_found_type
  = "Halibut.Exceptions.MethodNotFoundHalibutClientException";
inline constexpr std::string_view ambiguous_match_type
  = "Halibut.Exceptions.AmbiguousMethodMatchHalibutClientException";
inline constexpr std::string_view no_match_type
  = "Halibut.Exceptions.NoMatchingServiceOrMethodHalibutClientException";
inline constexpr std::string_view service_invocation_type
  = "Halibut.Exceptions.ServiceInvocationHalibutClientException";

/// How the details of a failed method begin (`halibut` 13.2, rule 5).
inline constexpr std::string_view invocation_prefix
  = "System.Reflection.TargetInvocationException: Exception has been thrown by "
    "the target of an invocation.";

/// The errors of `halibut` 13.4. Names and texts from the peer are cut to 200
/// bytes and made valid UTF-8.
halibut::server_error service_not_found(std::string_view service);
halibut::server_error method_not_found(std::string_view service,
                                       std::string_view method);
halibut::server_error wrong_parameters(std::string_view method,
                                       std::string_view explanation);

/// A failure in the shape that makes the peer's client repeat the call
/// (`unavailable`, `overloaded`, `shutting_down`, `deadline_exceeded`) or give
/// up (all others).
halibut::server_error to_error(const failure& reason);

/// What the peer's client makes of an error (`halibut` 13.2, 13.3): a failure
/// `unavailable` if it would repeat the call, else `invalid_request`.
failure from_error(const halibut::server_error& error);

/// Breaks up the texts that the client's capability probe takes for "this
/// Tentacle is too old" and remembers for ten minutes (`halibut` 13.4, traps).
std::string without_traps(std::string_view text);

} // namespace cuttle::tentacle
