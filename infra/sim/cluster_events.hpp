#pragma once

#include <map>
#include <mutex>
#include <string>

#include "infra/sim/cluster_store.hpp"

namespace cuttle::sim {

/// Writes events about pods as the scheduler and the kubelet do: a repeated
/// event raises the count of the first one. Thread-safe.
class event_recorder {
public:
  event_recorder(cluster_store& store, std::string namespace_name);

  /// An event of the kubelet. `container` may be empty.
  void kubelet(const nlohmann::json& pod, const std::string& container,
               const std::string& type, const std::string& reason,
               const std::string& message);

  /// An event of the scheduler: it has an `eventTime` and no count.
  void scheduler(const nlohmann::json& pod, const std::string& type,
                 const std::string& reason, const std::string& message);

private:
  nlohmann::json about(const nlohmann::json& pod, const std::string& container,
                       const std::string& type, const std::string& reason,
                       const std::string& message) const;
  cluster_store& store_;
  const std::string namespace_name_;
  std::mutex mutex_;
};

} // namespace cuttle::sim
