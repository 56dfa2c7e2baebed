#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "messages/failure.hpp"
#include "messages/pod.hpp"

namespace cuttle {

// What drivers report back to the actor that asked, as messages. `reason.code`
// is `errc::none` for a success.

/// The workspace of an operation is on the volume.
struct workspace_prepared {
  failure reason;
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;
};

/// Whether there is a template for script pods [TPL-01].
struct template_read {
  std::optional<pod_template> found;
};

/// The pull secret of the step's feed is in the cluster.
struct feed_secret_stored {
  failure reason;
};

/// The API server has taken the pod, or found it there already.
struct pod_created {
  failure reason;
  pod_snapshot pod;
  /// How long the API server asked to wait; zero: it did not say.
  std::chrono::milliseconds retry_after{0};
};

/// The API server was asked whether a pod that a list did not show is there.
struct pod_looked_up {
  failure reason;
  pod_snapshot pod;
};

/// The API server has taken the deletion, or the pod was gone.
struct pod_removed {
  failure reason;
};

/// A file could not be stored or opened.
struct transfer_failed {
  /// Number of the request, counted by `file_transfer`.
  std::uint64_t request = 0;
  failure reason;
};

/// Events are in the config map of metrics.
struct events_recorded {
  failure reason;
};

/// The workspace is gone.
struct workspace_removed {
  failure reason;
};

} // namespace cuttle
