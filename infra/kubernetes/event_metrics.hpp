#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "infra/kubernetes/cluster.hpp"
#include "messages/pod.hpp"

namespace cuttle::kubernetes {

/// How the names of the release's pods begin, for the source of an event
/// [EVT-02].
struct event_sources {
  std::string tentacle = "octopus-agent-tentacle";
  std::string nfs = "octopus-agent-nfs";
  std::string script = "octopus-script";

  /// From the name of the worker's own pod, `<name>-tentacle-<…>-<…>` or
  /// `<name>-worker-<…>-<…>`; the constants for any other name.
  static event_sources of(const std::string& own_pod);

  /// `tentacle`, `script`, `nfs` or `unknown`.
  std::string of_pod(const std::string& pod) const;
};

/// Whether an event is one of those that are counted [EVT-02].
bool counts(const pod_event& event, const event_sources& sources);

/// What the config map of metrics holds [MET-01]. Pure.
class event_metrics {
public:
  /// Times kept for each reason and source; the oldest go [MET-03].
  static constexpr std::size_t most = 1000;

  /// Reads the config map's data. What cannot be understood counts as empty.
  static event_metrics read(const std::map<std::string, std::string>& data);

  /// Adds the events that count and are newer than the cursor was before the
  /// call; true if there was one.
  bool add(const std::vector<pod_event>& events, const event_sources& sources);

  /// The entries to store.
  std::map<std::string, std::optional<std::string>> data() const;

private:
  std::map<std::string, std::map<std::string, std::vector<timestamp>>> times_;
  std::optional<timestamp> latest_;
};

/// Merges events into the config map of that name, in one write for all
/// [MET-03]. `done` is called once, on the driver's thread.
void store_event_metrics(cluster& api, std::string config_map,
                         std::vector<pod_event> events, event_sources sources,
                         std::function<void(outcome<void>)> done);

} // namespace cuttle::kubernetes
