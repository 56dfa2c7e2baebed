#include "infra/kubernetes/metadata.hpp"

#include <algorithm>

#include "infra/kubernetes/digest.hpp"

namespace cuttle::kubernetes {

namespace {

bool is_text_map(const json& value) {
  return value.is_object()
         && std::all_of(value.begin(), value.end(),
                        [](const json& x) { return x.is_string(); });
}

/// The slugs of the command under their keys.
json auth_slugs(const start_script& command) {
  auto result = json::object();
  if (!command.auth)
    return result;
  auto& auth = *command.auth;
  result["agent.octopus.com/project"] = auth.project_slug;
  if (auth.project_group_slug)
    result["agent.octopus.com/project-group"] = *auth.project_group_slug;
  result["agent.octopus.com/environment"] = auth.environment_slug;
  if (auth.tenant_slug)
    result["agent.octopus.com/tenant"] = *auth.tenant_slug;
  result["agent.octopus.com/step"] = auth.step_slug;
  result["agent.octopus.com/space"] = auth.space_slug;
  return result;
}

/// Writes what belongs to the worker over what the settings and the template
/// gave; a key that both have is a Verbose line, not a failure [POD-06].
void overwrite(json& target, const json& own, std::string_view where,
               std::vector<std::string>& notes) {
  for (auto& [key, value] : own.items()) {
    if (target.contains(key))
      notes.push_back("The key '" + key + "' in " + std::string(where)
                      + " belongs to the worker; its own value is used.");
    target[key] = value;
  }
}

/// What the template has, and over it what the setting has.
json merged(const json& base, const std::optional<json>& custom,
            std::string_view variable, std::vector<std::string>& notes) {
  auto result = json::object();
  for (auto& [key, value] : base.items())
    if (value.is_string())
      result[key] = value;
  if (!custom)
    return result;
  for (auto& [key, value] : custom->items()) {
    if (result.contains(key))
      notes.push_back("The key '" + key + "' is in the pod template and in env."
                      + std::string(variable)
                      + "; the value of the latter is used.");
    result[key] = value;
  }
  return result;
}

/// Where a key that belongs to the worker came from, for a message.
std::string origin(const char* variable, const json& base) {
  return base.empty() ? "env." + std::string{variable}
                      : "the pod template or env." + std::string{variable};
}

} // namespace

json owner_references(const owner_reference& owner) {
  json reference = {{"apiVersion", "v1"},
                    {"kind", "ConfigMap"},
                    {"name", owner.name},
                    {"uid", owner.uid}};
  return json::array({std::move(reference)});
}

void add_helm_label(json& labels) {
  labels["app.kubernetes.io/managed-by"] = "Helm";
}

void add_helm_annotations(json& annotations,
                          const script_pod_settings& settings) {
  annotations["meta.helm.sh/release-name"] = settings.release_name;
  annotations["meta.helm.sh/release-namespace"] = settings.namespace_name;
}

json script_pod_labels(const script_pod_settings& settings,
                       const start_script& command, const json& base,
                       std::vector<std::string>& notes) {
  constexpr auto variable = "OCTOPUS__K8STENTACLE__PODLABELSJSON";
  auto custom = json_setting(settings.labels_json, variable, "pod labels",
                             "no custom", is_text_map, notes);
  json own = {{"octopus.com/serverTaskId", command.task_id},
              {"octopus.com/scriptTicketId", command.ticket.task_id}};
  own["agent.octopus.com/permissions"] = "enabled";
  auto slugs = auth_slugs(command);
  for (auto& [key, slug] : slugs.items())
    own[key] = upper_hex(sha1(slug.get_ref<const std::string&>()));
  auto result = merged(base, custom, variable, notes);
  overwrite(result, own, origin(variable, base), notes);
  add_helm_label(result);
  return result;
}

json script_pod_annotations(const script_pod_settings& settings,
                            const start_script& command, const json& base,
                            std::vector<std::string>& notes) {
  constexpr auto variable = "OCTOPUS__K8STENTACLE__PODANNOTATIONSJSON";
  auto custom
    = json_setting(settings.annotations_json, variable, "pod annotations",
                   "no custom", is_text_map, notes);
  auto result = merged(base, custom, variable, notes);
  overwrite(result, auth_slugs(command), origin(variable, base), notes);
  add_helm_annotations(result, settings);
  return result;
}

} // namespace cuttle::kubernetes
