#include "infra/kubernetes/pod_template.hpp"

#include "infra/kubernetes/pod_json.hpp"
#include "infra/kubernetes/rfc3339.hpp"

namespace cuttle::kubernetes {

namespace {

/// The member as an object; an empty one if there is none.
const json& object_of(const json& parent, const char* name) {
  static const json none = json::object();
  auto i = parent.find(name);
  return i != parent.end() && i->is_object() ? *i : none;
}

std::string text_of(const json& parent, const char* name) {
  auto i = parent.find(name);
  return i != parent.end() && i->is_string() ? i->get<std::string>() : "";
}

/// Text of the member if it is an object that has something in it.
std::string object_text(const json& parent, const char* name) {
  auto& object = object_of(parent, name);
  return object.empty() ? std::string{} : dump(object);
}

/// The element of a list that was made first. Equal times: the first listed.
outcome<std::optional<json>> oldest(std::string_view list_json) {
  auto list = json::parse(list_json, nullptr, false);
  auto items = list.is_object() ? list.find("items") : list.end();
  if (!list.is_object() || items == list.end() || !items->is_array())
    return fail(errc::protocol_error, "The API server's answer is not a list.");
  const json* best = nullptr;
  timestamp best_time;
  for (auto& item : *items) {
    if (!item.is_object())
      continue;
    auto time
      = parse_time(text_of(object_of(item, "metadata"), "creationTimestamp"))
          .value_or(timestamp::max());
    if (!best || time < best_time) {
      best = &item;
      best_time = time;
    }
  }
  if (!best)
    return std::nullopt;
  return std::optional<json>{*best};
}

std::string name_of(const json& object) {
  return text_of(object_of(object, "metadata"), "name");
}

} // namespace

outcome<std::optional<pod_template>>
template_of_resources(std::string_view list_json) {
  auto found = oldest(list_json);
  if (!found)
    return tl::unexpected{std::move(found.error())};
  if (!*found)
    return std::nullopt;
  auto& spec = object_of(**found, "spec");
  auto& metadata = object_of(spec, "podMetadata");
  pod_template result;
  result.source = "ScriptPodTemplate '" + name_of(**found) + "'";
  result.labels = object_text(metadata, "labels");
  result.annotations = object_text(metadata, "annotations");
  result.pod_spec = object_text(spec, "podSpec");
  result.script_container = object_text(spec, "scriptContainerSpec");
  result.watchdog_container = object_text(spec, "watchdogContainerSpec");
  return result;
}

outcome<std::optional<pod_template>>
template_of_deployments(std::string_view list_json) {
  auto found = oldest(list_json);
  if (!found)
    return tl::unexpected{std::move(found.error())};
  if (!*found)
    return std::nullopt;
  auto& pod = object_of(object_of(**found, "spec"), "template");
  auto& metadata = object_of(pod, "metadata");
  pod_template result;
  result.source = "deployment '" + name_of(**found) + "'";
  result.labels = object_text(metadata, "labels");
  result.annotations = object_text(metadata, "annotations");
  result.pod_spec = object_text(pod, "spec");
  auto& spec = object_of(pod, "spec");
  auto containers = spec.find("containers");
  if (containers == spec.end() || !containers->is_array())
    return result;
  for (auto& container : *containers) {
    if (!container.is_object())
      continue;
    auto name = text_of(container, "name");
    if (name == "script-template")
      result.script_container = dump(container);
    if (name == "watchdog-template")
      result.watchdog_container = dump(container);
  }
  return result;
}

} // namespace cuttle::kubernetes
