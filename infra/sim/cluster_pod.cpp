#include "infra/sim/cluster_pod.hpp"

#include "infra/sim/cluster_clock.hpp"
#include "infra/sim/cluster_manifest.hpp"
#include "infra/sim/cluster_text.hpp"

namespace cuttle::sim {

namespace {

void set_condition(nlohmann::json& pod, const std::string& type, bool value,
                   const std::string& reason = {},
                   const std::string& message = {}) {
  nlohmann::json next{{"type", type},
                      {"status", value ? "True" : "False"},
                      {"lastProbeTime", nullptr}};
  if (!reason.empty())
    next["reason"] = reason;
  if (!message.empty())
    next["message"] = message;
  auto& conditions = pod["status"]["conditions"];
  if (!conditions.is_array())
    conditions = nlohmann::json::array();
  for (auto& condition : conditions)
    if (text_at(condition, "/type") == type) {
      auto same = text_at(condition, "/status") == text_at(next, "/status");
      next["lastTransitionTime"] = same
                                     ? condition["lastTransitionTime"]
                                     : nlohmann::json(rfc3339(cluster_now()));
      condition = std::move(next);
      return;
    }
  next["lastTransitionTime"] = rfc3339(cluster_now());
  conditions.push_back(std::move(next));
}

nlohmann::json waiting(const std::string& reason, const std::string& message) {
  nlohmann::json result{{"waiting", {{"reason", reason}}}};
  if (!message.empty())
    result["waiting"]["message"] = message;
  return result;
}

nlohmann::json terminated(const nlohmann::json& container,
                          const container_end& end) {
  nlohmann::json result{{"exitCode", end.exit_code},
                        {"reason", end.reason},
                        {"startedAt", rfc3339(end.started)},
                        {"finishedAt", rfc3339(end.finished)},
                        {"containerID", text_at(container, "/containerID")}};
  if (end.exit_code > 128)
    result["signal"] = end.exit_code - 128;
  if (!end.message.empty())
    result["message"] = end.message;
  return {{"terminated", std::move(result)}};
}

nlohmann::json first_status(const nlohmann::json& container,
                            const std::string& reason) {
  return {{"name", text_at(container, "/name")},
          {"image", text_at(container, "/image")},
          {"imageID", ""},
          {"ready", false},
          {"started", false},
          {"restartCount", 0},
          {"lastState", nlohmann::json::object()},
          {"state", waiting(reason, "")}};
}

/// The status of the script container; made when it is not there yet.
nlohmann::json& script_status(nlohmann::json& pod) {
  auto name = text_at(script_container(pod), "/name");
  auto& statuses = pod["status"]["containerStatuses"];
  for (auto& status : statuses)
    if (text_at(status, "/name") == name)
      return status;
  statuses.push_back(first_status(script_container(pod), "ContainerCreating"));
  return statuses.back();
}

/// The phase follows from the containers, unless the pod failed as a whole.
void set_phase(nlohmann::json& pod) {
  auto& status = pod["status"];
  if (!text_at(pod, "/status/reason").empty())
    return;
  bool all_ended = true, any_failed = false, any_started = false;
  for (const auto& container : value_at(pod, "/status/containerStatuses")) {
    const auto& end = value_at(container, "/state/terminated");
    all_ended = all_ended && end.is_object();
    any_failed = any_failed || (end.is_object() && end["exitCode"] != 0);
    any_started = any_started || end.is_object()
                  || value_at(container, "/state/running").is_object();
  }
  if (all_ended)
    status["phase"] = any_failed ? "Failed" : "Succeeded";
  else
    status["phase"] = any_started ? "Running" : "Pending";
  auto done = all_ended && !any_failed ? "PodCompleted" : "";
  auto ready = status["phase"] == "Running";
  for (const auto& container : value_at(pod, "/status/containerStatuses"))
    ready = ready && value_at(container, "/state/running").is_object();
  set_condition(pod, "Ready", ready, ready ? "" : done);
  set_condition(pod, "ContainersReady", ready, ready ? "" : done);
}

} // namespace

void mark_unschedulable(nlohmann::json& pod, const std::string& message) {
  set_condition(pod, "PodScheduled", false, "Unschedulable", message);
}

void mark_scheduled(nlohmann::json& pod, timestamp now) {
  pod["spec"]["nodeName"] = node_name;
  auto& status = pod["status"];
  status["startTime"] = rfc3339(now);
  status["hostIP"] = "127.0.0.1";
  set_condition(pod, "PodScheduled", true);
  set_condition(pod, "Initialized", true);
  status["containerStatuses"] = nlohmann::json::array();
  for (const auto& container : pod["spec"]["containers"])
    status["containerStatuses"].push_back(
      first_status(container, "ContainerCreating"));
  const auto& inits = value_at(pod, "/spec/initContainers");
  if (!inits.is_array() || inits.empty())
    return;
  status["initContainerStatuses"] = nlohmann::json::array();
  for (const auto& container : inits) {
    auto done = first_status(container, "");
    done["state"]
      = terminated(done, container_end{0, "Completed", "", now, now});
    status["initContainerStatuses"].push_back(std::move(done));
  }
}

void mark_waiting(nlohmann::json& pod, const std::string& reason,
                  const std::string& message) {
  script_status(pod)["state"] = waiting(reason, message);
  set_phase(pod);
}

void mark_running(nlohmann::json& pod, timestamp now) {
  pod["status"]["podIP"] = "127.0.0.1";
  for (auto& container : pod["status"]["containerStatuses"]) {
    container["containerID"] = "containerd://" + random_hex(64);
    container["imageID"]
      = text_at(container, "/image") + "@sha256:" + random_hex(64);
    container["ready"] = true;
    container["started"] = true;
    container["state"] = {{"running", {{"startedAt", rfc3339(now)}}}};
  }
  set_phase(pod);
}

void mark_ended(nlohmann::json& pod, const container_end& end) {
  auto& container = script_status(pod);
  container["ready"] = false;
  container["started"] = false;
  container["state"] = terminated(container, end);
  set_phase(pod);
}

void mark_sidecars_ended(nlohmann::json& pod, timestamp now) {
  if (!value_at(pod, "/status/containerStatuses").is_array())
    return;
  for (auto& container : pod["status"]["containerStatuses"]) {
    auto since = parse_rfc3339(text_at(container, "/state/running/startedAt"));
    if (!since)
      continue;
    container["ready"] = false;
    container["started"] = false;
    container["state"]
      = terminated(container, container_end{0, "Completed", "", *since, now});
  }
  set_phase(pod);
}

void mark_failed(nlohmann::json& pod, const std::string& reason,
                 const std::string& message) {
  auto& status = pod["status"];
  status["phase"] = "Failed";
  status["reason"] = reason;
  status["message"] = message;
  set_condition(pod, "Ready", false);
  set_condition(pod, "ContainersReady", false);
}

} // namespace cuttle::sim
