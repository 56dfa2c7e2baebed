#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "infra/sim/cluster_request.hpp"
#include "infra/sim/cluster_status.hpp"

namespace cuttle::sim {

/// Hears of a call as "verb resource name".
using call_action = std::function<void(const std::string& call)>;

/// How the API server behaves for a while. Thread-safe.
struct cluster_moods {
  /// Open watches stay open and tell nothing, no bookmark either.
  std::atomic<bool> silent_watches = false;
  std::atomic<bool> no_bookmarks = false;
  /// Lists come backwards; changes are gathered for a moment and come with the
  /// objects in another order. (Changes of one object stay in order.)
  std::atomic<bool> disorder = false;
  /// Streams that were opened at a lower number are cut.
  std::atomic<unsigned> cut_watches = 0;
  std::atomic<unsigned> cut_logs = 0;
};

/// Remembers the calls that were made, and says which of them have to go wrong.
/// Thread-safe.
class cluster_trouble {
public:
  struct rule {
    /// "" fits any.
    std::string verb;
    std::string resource;
    unsigned times = 1;
    /// Nothing: do it, but lose the answer.
    std::optional<api_error> error;
  };

  void add(rule next);

  /// Calls `action` at the n-th call from now (1: the next), before or after it
  /// takes effect; see `embedded_cluster::break_at`.
  void break_at(unsigned n, bool after_effect, call_action action);

  struct verdict {
    std::optional<api_error> error;
    bool lose_answer = false;
    /// The request must not be done.
    bool skip = false;
    /// To be called where the request is skipped, or once it is done.
    std::function<void()> action;
  };

  /// Notes a call and applies the first rule that fits.
  verdict note(const request_path& call);

  cluster_moods& moods() {
    return moods_;
  }

  /// The calls so far as "verb resource name", at most the first million.
  std::vector<std::string> calls() const;

private:
  cluster_moods moods_;
  mutable std::mutex mutex_;
  std::deque<rule> rules_;
  std::vector<std::string> calls_;
  /// Calls until `action_`; 0: never.
  unsigned break_in_ = 0;
  bool after_effect_ = false;
  call_action action_;
};

} // namespace cuttle::sim
