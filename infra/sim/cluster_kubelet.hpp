#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "infra/sim/cluster_events.hpp"
#include "infra/sim/cluster_log.hpp"
#include "infra/sim/cluster_store.hpp"
#include "infra/sim/pod_play.hpp"

namespace cuttle::sim {

/// Scheduler and kubelet of the only node: takes pods through their life and
/// runs their script container as a local process. One thread for all pods.
/// Thread-safe.
class kubelet {
public:
  struct options {
    std::filesystem::path log_directory;
    std::chrono::milliseconds schedule_delay{50};
    std::chrono::milliseconds pull_delay{150};
    std::chrono::milliseconds pull_back_off{1'000};
    std::vector<std::string> missing_images;
    std::size_t rotate_bytes = 0;
    unsigned processes = 64;
    /// A pod's log has grown or ended; on the kubelet's thread.
    std::function<void(const std::string& uid)> on_log;
    /// Null: containers are processes.
    pod_player player;
  };

  kubelet(cluster_store& store, event_recorder& events, options options);

  /// Kills all processes and waits until they are gone.
  ~kubelet();

  kubelet(const kubelet&) = delete;
  kubelet& operator=(const kubelet&) = delete;

  /// A pod was created.
  void admit(object_ptr pod);

  /// The pod is being deleted: signal its process and remove the object when
  /// that has ended, or kill it after `grace`.
  void terminate(const std::string& uid, std::chrono::seconds grace);

  /// The object is gone, or the pod failed as a whole: kill at once.
  void kill(const std::string& uid);

  /// Kills the process and reports `OOMKilled`.
  void kill_for_memory(const std::string& uid);

  /// Changes how many containers may run at a time; those that run stay.
  void set_places(unsigned count);

  /// The log of a pod whose container has started; null before.
  std::shared_ptr<container_log> log(const std::string& uid) const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace cuttle::sim
