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
#include "infra/halibut/listening_client.hpp"
#include "infra/halibut/polling_client.hpp"
#include "infra/sim/script_result.hpp"
#include "messages/failure.hpp"
#include "messages/script.hpp"

namespace cuttle::sim {

/// What an observer of one script hears; called on the links' thread.
struct script_observer {
  std::function<void(const std::vector<output_line>&, process_state)> on_lines;
  std::function<void(const script_result&)> on_end;
  /// An answer to GetStatus came, so long after it was due; the wait for a free
  /// polling connection is in it.
  std::function<void(std::chrono::microseconds)> on_status;
};

/// A small Octopus Server: polling listener, calls to workers that listen, and
/// the way the real client library drives a script, with its delays, retries
/// and cancellation (`tentacle-services` sections 13 to 15). Thread-safe.
class octopus_server {
public:
  struct options {
    std::string bind = "127.0.0.1";
    std::uint16_t port = 0;
    std::filesystem::path spool;
    halibut::limits limits;
    /// `delay(n) = min(ceiling, first · base^n)`.
    std::chrono::milliseconds poll_first{300};
    double poll_base = 1.4;
    std::chrono::milliseconds poll_ceiling{5'000};
    /// RPC retries go on for this long.
    std::chrono::milliseconds retry_duration{150'000};
    /// Bytes of text kept in a script's result; observers hear all lines.
    std::size_t keep_bytes = 256 * 1024 * 1024;
    std::function<void(const std::string& subscription, bool connected)>
      on_worker;
    std::function<void(const std::string& reason)> on_trouble;
  };

  octopus_server(halibut::io_thread& thread, disk::disk_pool& disk,
                 crypto::identity self, options options);
  ~octopus_server();

  octopus_server(const octopus_server&) = delete;
  octopus_server& operator=(const octopus_server&) = delete;

  outcome<std::uint16_t> start();
  std::uint16_t port() const;
  const std::string& thumbprint() const;

  /// The transport to workers that poll.
  halibut::polling_client& transport();

  /// Makes a worker known that listens; returns its URI, which `call` and `run`
  /// take like a subscription.
  std::string add_listening_worker(halibut::worker_endpoint worker);

  /// One call that is no script, of a worker by its subscription or URI.
  void call(const std::string& worker, halibut::outgoing_request request,
            halibut::result_function on_result);

  /// Runs a script to its end: capabilities, start, status …, complete.
  /// `subscription` may be the URI of a worker that listens.
  /// `on_end` is called once; the list of capabilities is asked for once in 600
  /// seconds. A second run with the ticket of one that goes on ends at once
  /// (`conflict`), and so does any run after `stop` (`shutting_down`).
  void run(const std::string& subscription, start_script command,
           script_observer observer);

  /// Cancels a running script by ticket, as a user does. Without one, nothing
  /// happens.
  void cancel(const script_ticket& ticket);

  /// Cuts connections and stops answering for `pause`, as a restart does.
  /// Scripts go on afterwards.
  void restart(std::chrono::milliseconds pause);

  /// Ends all scripts with `shutting_down` and closes the listener. No callback
  /// is called once this or the destructor has returned, unless it was called
  /// by a callback itself.
  void stop();

private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

/// A ticket as the server makes them: 22 characters at most of `[A-Za-z0-9]`.
script_ticket make_ticket();

/// `poll://` + 20 characters + `/`.
std::string make_subscription();

} // namespace cuttle::sim
