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
#include "infra/halibut/client.hpp"
#include "infra/halibut/io_thread.hpp"
#include "infra/halibut/limits.hpp"

namespace cuttle::halibut {

/// The Client side of Halibut in polling mode: a listener that polling workers
/// connect to, with one queue for each subscription. It is what Octopus Server
/// is to a worker; used by the embedded server, the tests and the load
/// benchmarks. Thread-safe.
class polling_client {
public:
  struct options {
    std::string bind = "127.0.0.1";
    /// 0 lets the system choose.
    std::uint16_t port = 0;
    /// Trusted SHA-1 thumbprints of workers, any case.
    std::vector<std::string> trusted;
    std::filesystem::path spool;
    halibut::limits limits;
    /// Called on the links' thread when a worker's connection is identified
    /// (`connected`) or gone.
    std::function<void(const std::string& subscription, bool connected)>
      on_worker;
    trouble_function on_trouble;
  };

  polling_client(io_thread& thread, disk::disk_pool& disk,
                 crypto::identity self, options options);
  ~polling_client();

  polling_client(const polling_client&) = delete;
  polling_client& operator=(const polling_client&) = delete;

  /// Binds and starts to accept; returns the port.
  outcome<std::uint16_t> start();

  /// Adds or removes a trusted thumbprint; removal cuts its connections.
  void trust(const std::string& thumbprint);
  void distrust(const std::string& thumbprint);

  /// Queues a call for whoever polls `subscription`. `on_result` is called
  /// once, on the links' thread: with the response, or with a failure once the
  /// connection broke (`unavailable`), nobody collected the request in time or
  /// the response is late (`deadline_exceeded`), or the queue is full
  /// (`overloaded`). Returns a number for `withdraw`.
  std::uint64_t call(const std::string& subscription, outgoing_request request,
                     result_function on_result);

  /// Gives up a call. One that nobody collected yet leaves the queue and ends
  /// with `cancelled`: it never left. For one that was handed to a connection
  /// the connection is cut (`unavailable`). Others are left alone.
  void withdraw(std::uint64_t call);

  /// Number of identified connections of a subscription.
  std::size_t connections(const std::string& subscription) const;

  /// Cuts all connections, as a server that dies; the listener stays.
  void drop_connections();

  /// Cuts all connections and refuses new ones for that long, as a server that
  /// restarts. Calls in the queue wait on.
  void pause(std::chrono::milliseconds how_long);

  /// Stops accepting, cuts all connections, fails what is queued.
  void stop();

private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

} // namespace cuttle::halibut
