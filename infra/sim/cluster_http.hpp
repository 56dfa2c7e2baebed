#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "infra/sim/cluster_api.hpp"
#include "infra/sim/cluster_certificate.hpp"
#include "messages/failure.hpp"

namespace cuttle::sim {

/// The wire of the embedded API server: HTTP/1.1 over TLS on 127.0.0.1, one
/// coroutine for each connection on one thread. A stream (watch, followed log)
/// holds no more than one chunk in memory: a slow reader holds it back.
/// Thread-safe.
class cluster_http {
public:
  cluster_http(cluster_api& api, const cluster_store& store,
               const cluster_moods& moods,
               std::chrono::milliseconds bookmark_interval);

  ~cluster_http();

  cluster_http(const cluster_http&) = delete;
  cluster_http& operator=(const cluster_http&) = delete;

  /// Listens; returns the port. Call once.
  outcome<std::uint16_t> start(const api_certificate& certificate);

  /// Closes all connections and joins; nothing starts again.
  void stop();

  /// All streams look at the moods again.
  void wake_streams();

  /// Watches have something to tell.
  void wake_watches();

  /// The log of a pod has grown or ended.
  void wake_log(const std::string& uid);

  /// Delays each answer from now on.
  void slow_down(std::chrono::milliseconds by);

  /// Resets all connections; new ones as well for a while. Returns when done.
  void cut(std::chrono::milliseconds for_how_long);

  /// Connections that are open now.
  std::size_t connections() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace cuttle::sim
