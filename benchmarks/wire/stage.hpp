#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "infra/disk/disk_pool.hpp"
#include "infra/halibut/io_thread.hpp"
#include "infra/sim/embedded_cluster.hpp"
#include "infra/sim/octopus_server.hpp"
#include "tests/interop/child_process.hpp"
#include "tests/unit/sim_octopus/scripted_worker.hpp"

namespace cuttle::bench {

/// Who is asked.
enum class worker_kind {
  /// `cuttle run`, whole, on the embedded cluster.
  cuttle,
  /// A worker on the real library that answers from its memory.
  library,
};

const char* name_of(worker_kind kind);

/// What a process has cost so far.
struct process_cost {
  /// User and system time of all its threads.
  double cpu_seconds = 0;
  double resident_mib = 0;
};

/// The embedded server, and one worker that polls it as a process of its own.
class stage {
public:
  /// Starts both and waits until all connections are there; aborts with a
  /// sentence when that fails. `peer` is the path of OctopusPeer.dll, for the
  /// library's worker.
  stage(worker_kind kind, unsigned connections, const std::string& peer);
  ~stage();

  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;

  sim::octopus_server& server() {
    return *server_;
  }
  const std::string& subscription() const {
    return subscription_;
  }

  /// The worker's.
  process_cost worker_cost() const;

  /// One call to its end; aborts when it fails.
  halibut::received_response call(halibut::outgoing_request request);

private:
  void start_cuttle(std::uint16_t port, unsigned connections);
  void start_library(std::uint16_t port, unsigned connections,
                     const std::string& peer);

  sim::temporary_folder folder_;
  halibut::io_thread thread_;
  disk::disk_pool disk_{2};
  std::string subscription_ = sim::make_subscription();
  sim::watched<unsigned> connected_;
  std::unique_ptr<sim::octopus_server> server_;
  std::unique_ptr<sim::embedded_cluster> cluster_;
  std::unique_ptr<interop::child_process> worker_;
};

} // namespace cuttle::bench
