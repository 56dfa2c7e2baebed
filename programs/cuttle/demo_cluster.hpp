#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "infra/kubernetes/api_client.hpp"
#include "messages/failure.hpp"

namespace cuttle {

/// Where the demo's pods run.
class demo_cluster {
public:
  virtual ~demo_cluster() = default;

  /// One sentence that says what it is.
  virtual std::string description() const = 0;
  virtual std::string namespace_name() const = 0;
  /// Access for the worker.
  virtual outcome<kubernetes::access> worker_access() const = 0;
  /// A kubeconfig that another worker can use.
  virtual std::filesystem::path kubeconfig() const = 0;
  /// Makes namespace, accounts, volume, config map and secret (whose values are
  /// given decoded). Blocks.
  virtual outcome<void>
  prepare(const std::filesystem::path& home,
          const std::map<std::string, std::string>& config,
          const std::map<std::string, std::string>& secret = {})
    = 0;
  /// Removes what `prepare` made. Blocks.
  virtual void clean_up() = 0;
};

/// The embedded cluster, with its files below `directory`. `version` is what it
/// calls itself, such as `v1.34.1`; empty: its default.
outcome<std::unique_ptr<demo_cluster>>
make_embedded_demo_cluster(const std::filesystem::path& directory,
                           const std::string& version = {});

/// A real cluster by an administrator's kubeconfig. Everything is made in a
/// namespace of its own, on a host path volume: the cluster's node has to see
/// the files of this machine.
outcome<std::unique_ptr<demo_cluster>>
make_real_demo_cluster(const std::filesystem::path& kubeconfig,
                       const std::string& unique_name);

} // namespace cuttle
