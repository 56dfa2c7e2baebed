#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "infra/kubernetes/cluster.hpp"
#include "infra/kubernetes/pod_template.hpp"

namespace cuttle::kubernetes {

/// Finds the template of script pods: the oldest custom resource, else the
/// oldest deployment [TPL-01]. Trouble with either is a warning and means
/// "none" [TPL-02]. The answer, also "none", is kept for `lifetime`; each
/// caller gets a copy [TPL-03]. While one search is under way others wait for
/// it. Thread-safe; `api` must outlive the open calls.
class template_cache {
public:
  using clock = std::chrono::steady_clock;

  static constexpr std::chrono::minutes lifetime{15};

  explicit template_cache(cluster& api,
                          std::function<clock::time_point()> now = clock::now);

  ~template_cache();

  template_cache(const template_cache&) = delete;
  template_cache& operator=(const template_cache&) = delete;

  /// Calls `done` once, on this thread or on the driver's.
  void get(std::function<void(std::optional<pod_template>)> done);

private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace cuttle::kubernetes
