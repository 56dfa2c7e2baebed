#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "infra/crypto/identity.hpp"
#include "infra/disk/disk_pool.hpp"
#include "infra/halibut/client.hpp"
#include "infra/halibut/io_thread.hpp"
#include "infra/halibut/limits.hpp"
#include "infra/halibut/polling_service.hpp"

namespace cuttle::halibut {

/// A worker that listens: told like a server node that is dialled, without a
/// subscription.
struct worker_endpoint : server_endpoint {
  worker_endpoint() {
    port = 10'933;
  }

  /// `https://host:port/`, by which calls name it.
  std::string uri() const;
};

/// The Client side of Halibut in listening mode: dials workers that listen, and
/// asks them (`halibut` 8.2). It is what Octopus Server is to such a worker;
/// used by the embedded server, the tests and the load benchmarks. Thread-safe.
class listening_client {
public:
  struct options {
    std::filesystem::path spool;
    halibut::limits limits;
    /// Idle connections that are kept for each worker, and for how long.
    std::size_t pooled = 5;
    std::chrono::milliseconds pooled_idle{540'000};
    /// Attempts to connect for one call, the pause between them, and the time
    /// after which there is no further one.
    unsigned attempts = 5;
    std::chrono::milliseconds attempt_pause{1'000};
    std::chrono::milliseconds attempts_end{300'000};
    trouble_function on_trouble;
  };

  listening_client(io_thread& thread, disk::disk_pool& disk,
                   crypto::identity self, options options);

  /// Cuts what is still open and fails the calls under way.
  ~listening_client();

  listening_client(const listening_client&) = delete;
  listening_client& operator=(const listening_client&) = delete;

  /// Makes a worker known, or another trust, address or proxy of one that is:
  /// connections made before are used no more. Returns its URI.
  std::string add(worker_endpoint worker);

  /// Forgets a worker: cuts its connections and fails its calls.
  void remove(const std::string& uri);

  /// Asks the worker of that URI. `on_result` is called once, on the links'
  /// thread: with the response, or with a failure: there is no such worker
  /// (`invalid_request`), its certificate is another one (`forbidden`, at the
  /// first attempt), no connection could be made or the one that was broke
  /// (`unavailable`), the response is late (`deadline_exceeded`), too many
  /// calls wait (`overloaded`). A request of which a byte may have left is
  /// never sent again. At most `limits.connections_per_subscription` calls of a
  /// worker are under way at once; others wait. Returns a number for
  /// `withdraw`.
  std::uint64_t call(const std::string& uri, outgoing_request request,
                     result_function on_result);

  /// Gives up a call. One of which no byte has left ends with `cancelled`, for
  /// any other the connection is cut (`unavailable`). Numbers of calls that
  /// ended or are another Client's are left alone.
  void withdraw(std::uint64_t call);

  /// Cuts all connections and dials nobody for that long, as a server that
  /// restarts. Calls that have not left wait on.
  void pause(std::chrono::milliseconds how_long);

  /// Cuts all connections, fails all calls, takes no more.
  void stop();

private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

} // namespace cuttle::halibut
