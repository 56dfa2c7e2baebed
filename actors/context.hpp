#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "actors/log_budget.hpp"
#include "infra/crypto/cipher.hpp"
#include "infra/halibut/polling_service.hpp"
#include "infra/kubernetes/cluster.hpp"
#include "infra/kubernetes/template_cache.hpp"
#include "infra/runner_link/server.hpp"
#include "infra/settings/settings.hpp"
#include "infra/telemetry/metrics.hpp"
#include "infra/workspace/store.hpp"
#include "messages/script.hpp"

namespace cuttle {

/// The links to one server, as a `server_connection` uses them. Destroying it
/// cuts what is open.
class server_link {
public:
  virtual ~server_link() = default;
  virtual void start() = 0;
  virtual void stop(std::chrono::milliseconds patience,
                    std::function<void()> done)
    = 0;
};

/// Makes the links to one server.
struct server_link_factory {
  /// `host:port`, for logs and health.
  std::string name;
  std::function<std::unique_ptr<server_link>(halibut::service_callbacks)> make;
};

/// How patient the actors are. Values of their own so that tests can name them.
struct patience {
  /// A StartScript, CancelScript or CompleteScript that takes longer is
  /// answered with the state so far and goes on [tentacle-services 2].
  std::chrono::milliseconds rpc{20'000};
  /// From the end of a container to the end of its log.
  std::chrono::milliseconds log_end{30'000};
  /// For the runner to dial before the pod's log is read.
  std::chrono::milliseconds link{2'000};
  /// For one to dial again that was linked, or that an earlier worker started:
  /// its own attempt and pause may take 2.5 seconds.
  std::chrono::milliseconds link_again{5'000};
  /// The same when the runners before did not dial either.
  std::chrono::milliseconds link_missed{100};
  /// For lines that the pod's log lacks, if the runner may still have them: it
  /// takes half a minute to see that a worker has vanished without a word.
  std::chrono::milliseconds missing_lines{60'000};
  /// Between two lines that name an unchanged phase [RPC-08].
  std::chrono::seconds phase_line{60};
  /// Between two lines that name another place in the queue.
  std::chrono::seconds queue_line{10};
  /// Before something that failed on the volume is tried again.
  std::chrono::milliseconds volume_retry{5'000};
  /// For a kept request to be dropped before its pod is deleted all the same.
  std::chrono::milliseconds drop{2'000};
  /// For a deleted pod to go before it is deleted again: the watch may still
  /// have had to tell of it.
  std::chrono::milliseconds stray{5'000};
  /// How long a ticket is remembered after CompleteScript.
  std::chrono::minutes tombstone{60};
  /// How long a result without CompleteScript is kept [ORP-04].
  std::chrono::hours result{24};
  /// Without any operation, before the worker counts as quiet.
  std::chrono::milliseconds quiet{10'000};
};

/// What actors need of the outside. Made by `main`, outlives every actor;
/// drivers are thread-safe, the rest does not change.
struct worker_context {
  kubernetes::cluster& cluster;
  workspace::store& store;
  telemetry::registry& metrics;
  settings::environment_settings settings;
  /// Derives the log key of a ticket [KEY-01].
  std::function<crypto::log_key(const script_ticket&)> log_key{};
  /// Wall clock.
  std::function<timestamp()> now{};
  std::vector<server_link_factory> servers{};
  cuttle::patience patience{};
  /// Where runners dial in; null: links are switched off.
  runner_link::server* links = nullptr;
  /// Template of script pods; null: there is none.
  std::shared_ptr<kubernetes::template_cache> templates{};
  /// Called at each step of an operation with `actor.message` and the ticket;
  /// `main` logs it at debug level. Throwing ends the actor that took the step.
  std::function<void(std::string_view step, const script_ticket&)> on_step{};
  /// Called once the worker has had no operation for `patience.quiet`, also
  /// after its start: a time to tidy up. Must not block.
  std::function<void()> on_quiet{};
  /// Memory that the output of all operations takes together.
  log_budget_ptr log_memory = std::make_shared<log_budget>();

  /// Runners in a row that did not dial in time.
  std::shared_ptr<std::atomic<unsigned>> link_misses
    = std::make_shared<std::atomic<unsigned>>(0);

  /// Encrypts the requests that wait on the volume. (No script's log key, for
  /// no ticket has a colon.)
  crypto::log_key request_key() const {
    return log_key(script_ticket{":requests"});
  }

  void step(std::string_view name, const script_ticket& ticket) const {
    if (on_step)
      on_step(name, ticket);
  }
};

using context_ptr = std::shared_ptr<const worker_context>;

} // namespace cuttle
