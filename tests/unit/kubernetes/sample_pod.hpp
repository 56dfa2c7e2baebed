#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "infra/kubernetes/manifest.hpp"

namespace cuttle::kubernetes::test {

inline constexpr auto required
  = "requiredDuringSchedulingIgnoredDuringExecution";
inline constexpr auto preferred
  = "preferredDuringSchedulingIgnoredDuringExecution";

inline script_pod_settings chart_settings() {
  script_pod_settings result;
  result.namespace_name = "octopus-worker";
  result.service_account = "worker-scripts";
  result.volume_claim = "worker-pvc";
  result.release_name = "my-worker";
  result.chart_version = "3.13.2";
  result.kubernetes_monitor_enabled = "false";
  result.server_comms_addresses = "https://octopus:10943";
  result.worker_version = "9.2.4285";
  result.image = "octopusdeploy/worker-tools";
  return result;
}

inline start_script command_of(std::string ticket) {
  start_script result;
  result.ticket.task_id = std::move(ticket);
  result.task_id = "ServerTasks-123";
  return result;
}

inline script_pod_input input() {
  return {"image:1", {}, 1000, 2000};
}

inline nlohmann::json pod_of(const script_pod_settings& settings,
                             const start_script& command) {
  return nlohmann::json::parse(
    make_script_pod(settings, command, input()).json);
}

inline std::vector<std::string> notes_of(const script_pod_settings& settings,
                                         const start_script& command) {
  return make_script_pod(settings, command, input()).notes;
}

} // namespace cuttle::kubernetes::test
