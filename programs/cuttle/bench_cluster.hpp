#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "infra/load/profile.hpp"
#include "programs/cuttle/demo_cluster.hpp"

namespace cuttle {

/// A cluster for loads: tells of each pod, and counts calls where it can.
class bench_cluster {
public:
  /// Hears of the pods of `watch_pods`, on another thread.
  using pod_observer = std::function<void(const std::string& name)>;

  virtual ~bench_cluster() = default;

  virtual demo_cluster& objects() = 0;

  /// Tells of each new pod from now on; call once, after `prepare`.
  virtual outcome<void> watch_pods(pod_observer on_pod) = 0;

  /// No pod is told of any more once this returned.
  virtual void stop_watching() = 0;

  /// Requests so far by "verb resource"; nothing where nobody counts.
  virtual std::optional<std::map<std::string, std::uint64_t>> calls() const = 0;
};

/// The embedded cluster. With `played`, pods are played by the load's runner;
/// else they are processes.
outcome<std::unique_ptr<bench_cluster>>
make_embedded_bench_cluster(const std::filesystem::path& directory,
                            const load::load_profile& profile, bool played);

/// A real cluster, see `make_real_demo_cluster`.
outcome<std::unique_ptr<bench_cluster>>
make_real_bench_cluster(const std::filesystem::path& kubeconfig,
                        const std::string& unique_name);

} // namespace cuttle
