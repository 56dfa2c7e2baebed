#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "messages/failure.hpp"
#include "messages/script.hpp"

namespace cuttle {

/// What is known of the request of an operation on the volume. A request is
/// kept there before its StartScript is answered while there is no pod, and
/// dropped once there is one.
enum class request_state : std::uint8_t {
  /// There is none.
  none,
  /// There may be one, of an earlier process.
  maybe,
  /// There is one.
  kept,
};

/// A request that an earlier process has kept, without script and files.
struct kept_request {
  script_ticket ticket;
  /// When it came.
  timestamp since;
  /// Null when it can not be read, for this reason.
  std::shared_ptr<const start_script> command;
  failure reason;
};

/// The requests on the volume.
struct requests_listed {
  failure reason;
  std::vector<kept_request> entries;
};

/// A request is on the volume, or why not.
struct request_kept {
  script_ticket ticket;
  failure reason;
};

/// A kept request was read, for its turn.
struct request_loaded {
  script_ticket ticket;
  failure reason;
  std::shared_ptr<const start_script> command;
};

/// A kept request is gone from the volume.
struct request_dropped {
  script_ticket ticket;
  failure reason;
};

/// Why a pod is not created now, although it will be.
enum class hold_cause : std::uint8_t {
  /// The API server takes no more requests at the moment.
  busy,
  /// A resource quota of the namespace is used up.
  quota,
};

/// The API server does not take the pod now: another turn, later.
struct creation_held {
  script_ticket ticket;
  hold_cause cause = hold_cause::busy;
  /// What it said, for the task log.
  failure reason;
  /// How long it asked to wait; zero: it did not say.
  std::chrono::milliseconds retry_after{0};
};

} // namespace cuttle
