#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "infra/sim/embedded_cluster.hpp"

namespace cuttle::test {

/// The cluster of a whole-program test, in a namespace of its own.
class test_cluster {
public:
  virtual ~test_cluster() = default;

  /// The embedded one for the tests that only it can play; else null.
  virtual sim::embedded_cluster* embedded() = 0;
  virtual std::string namespace_name() const = 0;
  virtual std::filesystem::path worker_kubeconfig() const = 0;
  /// Variables of `cuttle run` that the cluster decides.
  virtual std::map<std::string, std::string> environment() const = 0;
  virtual std::string image() const = 0;
  /// Content of config map and secret.
  virtual void store(const std::map<std::string, std::string>& config_map,
                     const std::map<std::string, std::string>& secret)
    = 0;
  /// Names of the script pods that exist.
  virtual std::vector<std::string> pods() = 0;
  /// Those of them whose deletion nobody has asked for.
  virtual std::vector<std::string> kept_pods() = 0;
  /// A line for each of them, for a test that failed: what the cluster says of
  /// its phase, its deletion and its containers.
  virtual std::string describe_pods() = 0;
  /// Lets the namespace have that many pods that have not ended, by a resource
  /// quota `scripts` that is in force on return.
  virtual void set_pod_quota(unsigned pods) = 0;
  /// Deletes a pod as a person would.
  virtual void delete_pod(const std::string& name, int grace_seconds) = 0;
};

/// The cluster that CUTTLE_TEST_CLUSTER asks for; null, with a reason, when
/// there is none. `home` is the worker's home, `folder` takes files of the
/// cluster.
std::unique_ptr<test_cluster>
make_test_cluster(const std::filesystem::path& home,
                  const std::filesystem::path& folder, std::string& reason);

} // namespace cuttle::test
