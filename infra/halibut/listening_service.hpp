#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "infra/crypto/identity.hpp"
#include "infra/disk/disk_pool.hpp"
#include "infra/halibut/io_thread.hpp"
#include "infra/halibut/limits.hpp"
#include "infra/halibut/service.hpp"

namespace cuttle::halibut {

/// Where a `listening_service` listens and whom it serves.
struct listening_options {
  /// An IP address; `::` takes IPv4 as well.
  std::string bind = "::";
  /// 0 lets the system choose.
  std::uint16_t port = 10933;
  /// SHA-1 thumbprints of the servers that may connect, any case; whoever has
  /// another one, or none, is cut without a word.
  std::vector<std::string> trusted;
  /// Where data streams are spooled; a folder on the volume of the home.
  std::filesystem::path spool;
  halibut::limits limits;
};

/// The Service side of Halibut in listening mode: servers dial in and ask
/// (`halibut` 8.2). Any number of connections at once, up to
/// `limits.connections`. Thread-safe.
class listening_service {
public:
  listening_service(io_thread& thread, disk::disk_pool& disk,
                    crypto::identity self, listening_options options,
                    service_callbacks callbacks);

  /// Cuts what is still open.
  ~listening_service();

  listening_service(const listening_service&) = delete;
  listening_service& operator=(const listening_service&) = delete;

  /// Binds and starts to accept; returns the port. Call once.
  outcome<std::uint16_t> start();

  /// Accepts nobody any more, ends each connection after its current exchange,
  /// and cuts what is open after `patience`; an idle connection ends at once.
  /// Calls `done` once, on the links' thread.
  void stop(std::chrono::milliseconds patience, std::function<void()> done);

private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

} // namespace cuttle::halibut
