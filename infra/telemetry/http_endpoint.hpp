#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "infra/halibut/io_thread.hpp"
#include "messages/failure.hpp"

namespace cuttle::telemetry {

/// Answer of a probe.
struct probe_result {
  bool ok = false;
  /// One line that says why not, or what is well.
  std::string text;
};

/// Delivers a probe's result; callable once, from any thread.
using probe_reply = std::function<void(probe_result)>;

/// What the endpoint asks. Called on the links' thread; must not block.
struct http_endpoint_callbacks {
  std::function<void(probe_reply)> health;
  std::function<void(probe_reply)> ready;
  /// The text of `/metrics`.
  std::function<std::string()> metrics;
};

/// `/healthz`, `/readyz` and `/metrics` over plain HTTP/1.1 on one port: 200 or
/// 503; 503 as well when a probe is not answered within `probe_timeout`.
/// Bounded: connections, header size, time per request.
class http_endpoint {
public:
  struct options {
    std::string bind = "0.0.0.0";
    /// 0 lets the system choose.
    std::uint16_t port = 8080;
    std::size_t connections = 64;
    std::chrono::milliseconds probe_timeout{3'000};
    std::chrono::milliseconds request_timeout{10'000};
  };

  http_endpoint(halibut::io_thread& thread, options options,
                http_endpoint_callbacks callbacks);
  ~http_endpoint();

  http_endpoint(const http_endpoint&) = delete;
  http_endpoint& operator=(const http_endpoint&) = delete;

  /// Binds; returns the port.
  outcome<std::uint16_t> start();

private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

} // namespace cuttle::telemetry
