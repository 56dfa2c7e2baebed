#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "infra/load/result.hpp"
#include "infra/sim/octopus_server.hpp"

namespace cuttle::load {

/// Plays the users of one or more Octopus Servers: starts operations when they
/// are due, whatever the worker does, and follows each to its end. A latency
/// that begins with an operation begins when it was due, so a worker that holds
/// the load up does not hide it (coordinated omission).
class generator {
public:
  struct target {
    sim::octopus_server* server = nullptr;
    std::string subscription;
  };

  /// How far the load is.
  struct progress {
    std::chrono::duration<double> since_start{0};
    std::uint64_t started = 0;
    std::uint64_t ended = 0;
    std::uint64_t troubled = 0;
  };

  /// The servers are asked in turn, and have to stop before this is destroyed.
  generator(load_profile profile, std::vector<target> targets);
  ~generator();

  generator(const generator&) = delete;
  generator& operator=(const generator&) = delete;

  /// A pod's object was created now; the API server had the request for it
  /// `asked`, if that is known. Thread-safe, short.
  void pod_created(const std::string& name,
                   std::optional<std::chrono::steady_clock::time_point> asked
                   = {});

  /// The worker has confirmed a line so long after it was printed. Thread-safe,
  /// short.
  void line_confirmed(std::chrono::microseconds after);

  /// Blocks until all operations are over, or those that are not were given up.
  /// `tick` is called on this thread at least four times a second; when it
  /// gives false, nothing more is started and open operations count as lost.
  void run(const std::function<bool(const progress&)>& tick);

  /// What came out of it, without what only the caller knows (calls, worker).
  load_result result() const;

private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

} // namespace cuttle::load
