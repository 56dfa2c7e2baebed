#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "infra/sim/cluster_request.hpp"
#include "infra/sim/cluster_status.hpp"

namespace cuttle::sim {

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

  struct verdict {
    std::optional<api_error> error;
    bool lose_answer = false;
  };

  /// Notes a call and applies the first rule that fits.
  verdict note(const request_path& call);

  /// The calls so far as "verb resource name", at most the first million.
  std::vector<std::string> calls() const;

private:
  mutable std::mutex mutex_;
  std::deque<rule> rules_;
  std::vector<std::string> calls_;
};

} // namespace cuttle::sim
