#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "infra/sim/cluster_process.hpp"
#include "messages/failure.hpp"

namespace cuttle::sim {

/// What a played container does: a container without a process, for clusters
/// with thousands of pods. Everything that an API client can see of the pod
/// (states, events, log, grace period) is as with a process. Called on the
/// kubelet's thread, which it must not hold up.
class pod_play {
public:
  virtual ~pod_play() = default;

  /// The time until the container prints next; nothing when it ends.
  virtual std::optional<std::chrono::milliseconds> next() = 0;

  /// What it writes to its standard output then.
  virtual std::string print() = 0;

  /// It got SIGTERM and ends: what it still prints. `print` is not called any
  /// more.
  virtual std::string interrupt() = 0;

  /// 0 to 255; valid once `next` gave nothing or after `interrupt`.
  virtual int exit_code() const = 0;
};

/// Makes the play of a container from its command and environment; a failure
/// keeps the container from starting.
using pod_player
  = std::function<outcome<std::unique_ptr<pod_play>>(const process_spec&)>;

} // namespace cuttle::sim
