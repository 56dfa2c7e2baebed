#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "infra/kubernetes/api_client.hpp"
#include "infra/settings/settings.hpp"
#include "programs/cuttle/bootstrap.hpp"

namespace cuttle {

/// Calls of the CAF type tables, before anything else of CAF. Idempotent.
void initialise_actor_types();

/// A worker with all its drivers: what `cuttle run` is, and one of the parties
/// of `cuttle demo`. Belongs to one thread.
class worker_process {
public:
  struct options {
    kubernetes::access access;
    settings::environment_settings env;
    /// Hears of each request to the API server, on its driver's thread.
    std::function<void(const kubernetes::api_call&)> on_call;
    /// Hears of the port that servers may dial, when there is one; on whatever
    /// thread.
    std::function<void(std::uint16_t)> on_listening;
    /// Whether to serve probes and metrics.
    bool http = true;
  };

  explicit worker_process(options options);

  /// Cuts everything; script pods stay.
  ~worker_process();

  worker_process(const worker_process&) = delete;
  worker_process& operator=(const worker_process&) = delete;

  /// Starts the probes, loads the stored settings, spawns the actors. Returns
  /// the problems that keep it from starting; none with `stop.raised()` means
  /// that a signal came first. Blocks.
  std::vector<settings::problem> start(stop_signal& stop);

  /// Blocks until the worker has ended by itself or a signal came; returns
  /// whether a signal came.
  bool wait(stop_signal& stop);

  /// Finishes open exchanges with the servers, then ends the actors.
  void drain();

  /// SHA-1 of the certificate; valid after `start`.
  const std::string& thumbprint() const;

  /// Port of probes and metrics; 0 without.
  std::uint16_t http_port() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace cuttle
