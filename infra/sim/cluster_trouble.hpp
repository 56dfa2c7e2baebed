#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
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
  /// Watches that were opened at a lower number stay open for ever and tell
  /// nothing.
  std::atomic<unsigned> dead_watches = 0;
  /// Pods that have not ended which the namespace may have; 0: any number.
  std::atomic<unsigned> pod_quota = 0;
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

  /// Takes at most so many such calls at a time (0: any number); the others are
  /// refused.
  void take_at_most(std::string verb, std::string resource, unsigned calls,
                    api_error refusal);

  /// A call came in: counts it until the result goes. Nothing and no error for
  /// one that is not counted.
  struct entry {
    std::shared_ptr<void> place;
    std::optional<api_error> refusal;
  };
  entry enter(const request_path& call);

  cluster_moods& moods() {
    return moods_;
  }

  /// The calls so far as "verb resource name", at most the first million.
  std::vector<std::string> calls() const;

private:
  cluster_moods moods_;
  void write_down(const request_path& call);

  mutable std::mutex mutex_;
  std::string crowd_verb_;
  std::string crowd_resource_;
  unsigned crowd_limit_ = 0;
  api_error crowd_refusal_;
  std::shared_ptr<std::atomic<unsigned>> crowd_
    = std::make_shared<std::atomic<unsigned>>(0);
  std::deque<rule> rules_;
  std::vector<std::string> calls_;
  /// Calls until `action_`; 0: never.
  unsigned break_in_ = 0;
  bool after_effect_ = false;
  call_action action_;
};

} // namespace cuttle::sim
