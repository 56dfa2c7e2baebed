#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "infra/disk/disk_pool.hpp"
#include "infra/halibut/io_thread.hpp"
#include "infra/load/generator.hpp"
#include "infra/settings/settings.hpp"
#include "programs/cuttle/bench.hpp"
#include "programs/cuttle/bench_cluster.hpp"
#include "programs/cuttle/bench_worker.hpp"
#include "programs/cuttle/stop_signal.hpp"
#include "programs/cuttle/surroundings.hpp"

namespace cuttle {

/// Servers, cluster and worker for one load. Belongs to one thread.
class bench_stage {
public:
  bench_stage(const bench_options& options, const load::load_profile& profile,
              stop_signal& stop);
  ~bench_stage();

  bench_stage(const bench_stage&) = delete;
  bench_stage& operator=(const bench_stage&) = delete;

  /// Starts everything, and waits until the worker has connected to each
  /// server. Blocks.
  outcome<void> prepare();

  std::vector<load::generator::target> targets() const;

  /// Null with a worker that was installed elsewhere.
  bench_cluster* cluster() {
    return cluster_.get();
  }

  std::string description() const;

  /// The worker's process; nothing if it is none of this machine, or has ended.
  std::optional<process_usage> usage();

  /// From the worker's start to its first connection; nothing when it was
  /// started by somebody else.
  std::optional<std::chrono::microseconds> start_to_polling() const;

  /// The worker's actors by its metrics, some seconds old at most.
  std::optional<double> actors();

  /// What the worker's metrics say of its part of a start.
  std::optional<load::own_time> own_start();

  /// Ends the worker; `usage` gives nothing afterwards.
  void stop_worker();

  /// No callback comes from the servers any more.
  void stop_servers();

private:
  struct server {
    // A thread for each, so that they can not hold each other up.
    halibut::io_thread links;
    std::unique_ptr<sim::octopus_server> octopus;
    std::string subscription;
    std::uint16_t port = 0;
    std::atomic<int> connections = 0;
    /// When the first one came, in the steady clock's unit; 0: not yet.
    std::atomic<std::int64_t> first_at = 0;
  };

  outcome<void> start_servers();
  outcome<void> start_cluster();
  outcome<void> start_worker();
  outcome<void> wait_for_worker();
  void explain() const;
  std::filesystem::path worker_log() const;
  /// Port of the worker's metrics; 0 when it is not known yet.
  std::uint16_t metrics();
  std::map<std::string, std::string> environment() const;

  const bench_options& options_;
  const load::load_profile& profile_;
  stop_signal& stop_;
  temporary_folder folder_{"cuttle-bench-"};
  std::filesystem::path home_;
  std::filesystem::path runner_;
  disk::disk_pool disk_;
  crypto::identity worker_identity_;
  std::vector<std::unique_ptr<server>> servers_;
  std::unique_ptr<bench_cluster> cluster_;
  std::unique_ptr<bench_worker> worker_;
  std::chrono::steady_clock::time_point worker_started_;
  std::uint16_t metrics_port_ = 0;
  std::chrono::steady_clock::time_point actors_at_;
  std::optional<double> actors_;
};

} // namespace cuttle
