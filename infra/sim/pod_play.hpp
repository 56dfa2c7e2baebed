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
  /// As an answer of `next`: not before it has called `wake`.
  static constexpr auto until_woken = std::chrono::milliseconds::max();

  virtual ~pod_play() = default;

  /// Called once, first. `wake` has `next` asked anew; it may be called on any
  /// thread, until the play is destroyed.
  virtual void attend(std::function<void()> wake) {
    (void)wake;
  }

  /// The time until the container prints next; nothing when it ends.
  virtual std::optional<std::chrono::milliseconds> next() = 0;

  /// What it writes to its standard output then.
  virtual std::string print() = 0;

  /// It got SIGTERM: what it still prints. `print` is not called any more; it
  /// ends when `next` gives nothing.
  virtual std::string interrupt() = 0;

  /// 0 to 255; valid once `next` gave nothing.
  virtual int exit_code() const = 0;
};

/// Makes the play of a container from its command and environment; a failure
/// keeps the container from starting.
using pod_player
  = std::function<outcome<std::unique_ptr<pod_play>>(const process_spec&)>;

} // namespace cuttle::sim
