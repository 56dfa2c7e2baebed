#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace cuttle {

/// Why something did not happen. Each value is a reason that a person, or the
/// code one level up, acts on differently; `docs/failures.md` has the table.
enum class errc : std::uint8_t {
  none = 0,
  /// Somebody asked for the end (CancelScript, a person at the terminal).
  cancelled,
  /// A wait ended without the event that it waited for.
  deadline_exceeded,
  /// The worker drains; the same request succeeds at its successor.
  shutting_down,
  /// A bound was reached (operations, memory, disk); the text has the figure.
  overloaded,
  /// The content is wrong; repeating the request is useless.
  invalid_request,
  /// The object does not exist.
  not_found,
  /// The object exists and is not what was asked for.
  conflict,
  /// RBAC, admission or a quota said no; a person has to change something.
  forbidden,
  /// API server, volume or network cannot be reached now; a retry may cure it.
  unavailable,
  /// The peer broke the rules of the wire; its connection was closed.
  protocol_error,
  /// A file could not be read or written.
  io_error,
  /// A part of this program broke; the text is for a bug report.
  internal,
};

/// An expected failure as a value: the class of the reason, and one sentence
/// that a person can act on. Never contains a secret.
struct failure {
  errc code = errc::none;
  std::string text;

  friend bool operator==(const failure&, const failure&) = default;
};

/// Either a `T` or the reason why there is none.
template <class T>
using outcome = tl::expected<T, failure>;

/// Makes the failing side of an `outcome`.
inline tl::unexpected<failure> fail(errc code, std::string text) {
  return tl::unexpected<failure>(failure{code, std::move(text)});
}

} // namespace cuttle
