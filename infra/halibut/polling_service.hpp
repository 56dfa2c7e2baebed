#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "infra/crypto/identity.hpp"
#include "infra/disk/disk_pool.hpp"
#include "infra/halibut/io_thread.hpp"
#include "infra/halibut/limits.hpp"
#include "infra/halibut/service.hpp"

namespace cuttle::halibut {

/// An HTTP proxy for CONNECT (`halibut` section 5).
struct proxy_settings {
  std::string host;
  std::uint16_t port = 80;
  std::string username;
  std::string password;
};

/// One server node to poll.
struct server_endpoint {
  std::string host;
  std::uint16_t port = 10943;
  /// Trusted SHA-1 thumbprints of the server's certificate, any case.
  std::vector<std::string> thumbprints;
  /// `poll://…/`, sent exactly so.
  std::string subscription;
  std::optional<proxy_settings> proxy;

  /// `host:port`, for logs.
  std::string name() const;
};

/// Tuning of a `polling_service`.
struct polling_options {
  /// Connections to this server that are kept, 1 to 512 [RUN-04].
  unsigned connections = 5;
  /// Further ones are made while all have a request, up to this number in all;
  /// 0 makes none.
  unsigned connections_max = 0;
  /// How long such a one stays without need.
  std::chrono::milliseconds connection_idle{300'000};
  /// Pauses after a failed attempt (`halibut` section 15).
  std::chrono::milliseconds backoff_min{5'000};
  std::chrono::milliseconds backoff_max{120'000};
  /// Where data streams are spooled; a folder on the volume of the home.
  std::filesystem::path spool;
  halibut::limits limits;
};

/// The Service side of Halibut in polling mode: keeps connections to one server
/// node, more of them while all are busy, and hands over what it asks.
/// Thread-safe.
class polling_service {
public:
  polling_service(io_thread& thread, disk::disk_pool& disk,
                  crypto::identity self, server_endpoint server,
                  polling_options options, service_callbacks callbacks);

  /// Cuts what is still open.
  ~polling_service();

  polling_service(const polling_service&) = delete;
  polling_service& operator=(const polling_service&) = delete;

  /// Starts to connect. Call once.
  void start();

  /// Ends each connection after its current exchange with END in the place of
  /// NEXT, and cuts what is open after `patience`; an idle connection ends at
  /// once. Calls `done` once, on the links' thread.
  void stop(std::chrono::milliseconds patience, std::function<void()> done);

private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

} // namespace cuttle::halibut
