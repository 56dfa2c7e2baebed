#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "infra/kubernetes/objects.hpp"
#include "messages/failure.hpp"

namespace cuttle::kubernetes {

/// How one attempt of a request ended.
struct attempt {
  enum class kind : std::uint8_t {
    /// The server answered; `status` is its HTTP code.
    answered,
    /// The server has certainly not seen the request: no connection was made.
    not_received,
    /// The connection broke or a deadline passed after the request was, or may
    /// have been, sent.
    lost,
    /// The set-up is wrong (certificate, URL); a retry is useless.
    misconfigured,
  };
  kind how = kind::answered;
  int status = 0;
  std::optional<std::chrono::seconds> retry_after;
  /// What went wrong, without an answer; a sentence's end.
  std::string error;
};

/// When a request may be sent again.
enum class repeatable : std::uint8_t {
  /// Any number of times: it has the same effect.
  always,
  /// Only if the server has not seen it. (A refusal for want of room, 429, goes
  /// to the caller: all its requests together have to become fewer.)
  unless_received,
  never,
};

/// Whether the attempt may be followed by another one with the same content.
/// 401 is not decided here; it depends on the credentials.
bool worth_repeating(const attempt& last, repeatable how);

/// How long to wait after the given number of failures in a row (1 or more),
/// before jitter: the one table of back-offs of this driver.
std::chrono::milliseconds backoff_step(unsigned failures);

/// The step with jitter: between half of it and all of it; `random` is in
/// [0, 1).
std::chrono::milliseconds backoff(unsigned failures, double random);

/// What a failed attempt means to the caller: the API server's own message as
/// the text. `what` names the request, such as "create pod 'x'".
failure failure_of(const attempt& last, const api_status& said,
                   const std::string& what);

} // namespace cuttle::kubernetes
