#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "infra/load/profile.hpp"
#include "programs/cuttle/bench_bare.hpp"
#include "programs/cuttle/demo_cluster.hpp"

namespace cuttle {

/// A cluster for loads: tells of each pod, and counts calls where it can.
class bench_cluster {
public:
  /// Hears of the pods of `watch_pods`, on another thread. `asked` is when the
  /// API server had the request for it, where that is known.
  using pod_observer = std::function<void(
    const std::string& name,
    std::optional<std::chrono::steady_clock::time_point> asked)>;

  /// Hears how long lines took over links, on another thread.
  using line_observer = std::function<void(std::chrono::microseconds)>;

  virtual ~bench_cluster() = default;

  virtual demo_cluster& objects() = 0;

  /// Tells of each new pod from now on; call once, after `prepare`.
  virtual outcome<void> watch_pods(pod_observer on_pod) = 0;

  /// Tells of lines from now on, where pods are played with links.
  virtual void watch_lines(line_observer) {}

  /// No pod and no line is told of any more once this returned.
  virtual void stop_watching() = 0;

  /// Requests so far by "verb resource"; nothing where nobody counts.
  virtual std::optional<std::map<std::string, std::uint64_t>> calls() const = 0;

  /// Each answer of the API server takes that long from now on, and watches say
  /// nothing unless it is 0; where that can be played.
  virtual void freeze(std::chrono::milliseconds) {}

  /// Creates that many pods like the first one that was created, as fast as the
  /// API server takes them, without a worker; on a real cluster they run to
  /// their end. Nothing where that can not be measured. Blocks.
  virtual std::optional<bare_result> create_bare(std::uint64_t count,
                                                 stop_signal& stop)
    = 0;
};

/// The embedded cluster. With `played`, pods are played by the load's runner;
/// else they are processes.
outcome<std::unique_ptr<bench_cluster>>
make_embedded_bench_cluster(const std::filesystem::path& directory,
                            const load::load_profile& profile, bool played);

/// A real cluster, see `make_real_demo_cluster`.
outcome<std::unique_ptr<bench_cluster>>
make_real_bench_cluster(const std::filesystem::path& kubeconfig,
                        const std::string& unique_name,
                        const load::load_profile& profile);

} // namespace cuttle
