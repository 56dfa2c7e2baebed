#include "infra/sim/cluster_events.hpp"

#include <functional>

#include "infra/sim/cluster_clock.hpp"
#include "infra/sim/cluster_pod.hpp"
#include "infra/sim/cluster_text.hpp"

namespace cuttle::sim {

event_recorder::event_recorder(cluster_store& store, std::string namespace_name)
  : store_(store), namespace_name_(std::move(namespace_name)) {}

nlohmann::json event_recorder::about(const nlohmann::json& pod,
                                     const std::string& container,
                                     const std::string& type,
                                     const std::string& reason,
                                     const std::string& message) const {
  // The name says what the event is, so that a repetition finds the first one.
  auto uid = text_at(pod, "/metadata/uid");
  auto key
    = uid + '\n' + container + '\n' + type + '\n' + reason + '\n' + message;
  auto name = text_at(pod, "/metadata/name");
  auto digest = std::hash<std::string>{}(key);
  constexpr auto digits = "0123456789abcdef";
  name += '.';
  for (int shift = 60; shift >= 0; shift -= 4)
    name += digits[(digest >> shift) & 15];
  nlohmann::json involved{
    {"kind", "Pod"},
    {"apiVersion", "v1"},
    {"namespace", namespace_name_},
    {"name", text_at(pod, "/metadata/name")},
    {"uid", uid},
    {"resourceVersion", text_at(pod, "/metadata/resourceVersion")}};
  if (!container.empty())
    involved["fieldPath"] = "spec.containers{" + container + '}';
  return {{"kind", "Event"},
          {"apiVersion", "v1"},
          {"metadata", {{"name", name}}},
          {"involvedObject", std::move(involved)},
          {"type", type},
          {"reason", reason},
          {"message", message}};
}

void event_recorder::kubelet(const nlohmann::json& pod,
                             const std::string& container,
                             const std::string& type, const std::string& reason,
                             const std::string& message) {
  auto event = about(pod, container, type, reason, message);
  auto now = rfc3339(cluster_now());
  auto repeat = [&now](nlohmann::json& first) -> std::optional<api_error> {
    first["count"] = first.value("count", 1) + 1;
    first["lastTimestamp"] = now;
    return std::nullopt;
  };
  std::lock_guard lock{mutex_};
  if (store_.update("events", text_at(event, "/metadata/name"), {}, repeat))
    return;
  event["count"] = 1;
  event["firstTimestamp"] = now;
  event["lastTimestamp"] = now;
  event["eventTime"] = nullptr;
  event["source"] = {{"component", "kubelet"}, {"host", node_name}};
  event["reportingComponent"] = "kubelet";
  event["reportingInstance"] = node_name;
  (void)store_.create("events", std::move(event));
}

void event_recorder::scheduler(const nlohmann::json& pod,
                               const std::string& type,
                               const std::string& reason,
                               const std::string& message) {
  auto event = about(pod, {}, type, reason, message);
  event["firstTimestamp"] = nullptr;
  event["lastTimestamp"] = nullptr;
  event["eventTime"] = rfc3339(cluster_now(), precision::micro);
  event["action"] = "Binding";
  event["source"] = nlohmann::json::object();
  event["reportingComponent"] = "default-scheduler";
  event["reportingInstance"] = "default-scheduler-1";
  std::lock_guard lock{mutex_};
  (void)store_.create("events", std::move(event));
}

} // namespace cuttle::sim
