#include "infra/kubernetes/manifest.hpp"

#include <algorithm>

#include "infra/kubernetes/affinity.hpp"
#include "infra/kubernetes/metadata.hpp"
#include "infra/kubernetes/pod_json.hpp"
#include "infra/kubernetes/script_container.hpp"

namespace cuttle::kubernetes {

namespace {

bool is_object(const json& value) {
  return value.is_object();
}

bool is_array_of_objects(const json& value) {
  if (!value.is_array())
    return false;
  for (auto& element : value)
    if (!element.is_object())
      return false;
  return true;
}

/// Quantities are texts or numbers, as in `resources.requests`.
bool is_resources(const json& value) {
  if (!value.is_object())
    return false;
  for (auto kind : {"requests", "limits"}) {
    auto i = value.find(kind);
    if (i == value.end() || i->is_null())
      continue;
    if (!i->is_object())
      return false;
    for (auto& quantity : *i)
      if (!quantity.is_string() && !quantity.is_number())
        return false;
  }
  return true;
}

/// Feed secret first [POD-10], [SEC-06].
json image_pull_secrets(const script_pod_settings& settings,
                        const script_pod_input& input) {
  auto result = json::array();
  if (input.feed_secret)
    result.push_back({{"name", *input.feed_secret}});
  for (auto& name : settings.image_pull_secrets)
    if (!blank(name))
      result.push_back({{"name", name}});
  return result;
}

/// The configured security context for each container that has none.
void secure_containers(json& spec, const script_pod_settings& settings,
                       std::vector<std::string>& notes) {
  auto context
    = json_setting(settings.container_security_context_json,
                   "CUTTLE_POD_CONTAINER_SECURITY_CONTEXT",
                   "container security context", "no custom", is_object, notes);
  if (!context)
    return;
  for (auto kind : {"initContainers", "containers"})
    if (auto list = spec.find(kind); list != spec.end())
      for (auto& container : *list)
        if (!container.contains("securityContext"))
          container["securityContext"] = *context;
}

/// An object of the template as JSON; an empty one if there is none.
json template_part(const script_pod_input& input,
                   const std::string pod_template::*part) {
  if (!input.base || ((*input.base).*part).empty())
    return json::object();
  auto value = json::parse((*input.base).*part, nullptr, false);
  return value.is_object() ? value : json::object();
}

/// Adds the elements of a template's list. Those whose name is taken are left
/// out: two volumes with one name would fail the pod.
void append_unless_named(json& own, const json& spec, const char* member) {
  auto list = spec.find(member);
  if (list == spec.end() || !list->is_array())
    return;
  auto name_of = [](const json& x) {
    return x.is_object() ? x.value("name", json{}) : json{};
  };
  for (auto& element : *list) {
    auto taken = std::any_of(own.begin(), own.end(), [&](const json& x) {
      return name_of(x) == name_of(element);
    });
    if (!taken)
      own.push_back(element);
  }
}

/// The image to mount for Calamari, with what the task log says about it
/// [POD-20], [POD-21].
std::string calamari_image(const script_pod_settings& settings,
                           const start_script& command,
                           const script_pod_input& input,
                           script_pod_manifest& result) {
  if (!settings.calamari_image_volume || !command.calamari || command.raw)
    return {};
  auto& version = input.version;
  if (!version || *version < cluster_version{1, 35, {}}) {
    auto number = version ? std::to_string(version->major) + '.'
                              + std::to_string(version->minor)
                          : std::string{"not known"};
    result.calamari_warning
      = "The ImageVolume feature gate is required to use the Calamari Image "
        "Volume feature. This is enabled by default in Kubernetes 1.35 and "
        "newer. The current cluster version is "
        + number + ".";
    return {};
  }
  auto name = command.calamari->name;
  for (auto& c : name)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  auto reference = settings.calamari_repository + '/' + name + ':'
                   + command.calamari->version;
  result.notes.push_back("Calamari image volume enabled. Image: '" + reference
                         + "'");
  return reference;
}

} // namespace

script_pod_manifest make_script_pod(const script_pod_settings& settings,
                                    const start_script& command,
                                    const script_pod_input& input) {
  script_pod_manifest result;
  auto& notes = result.notes;
  result.name = script_pod_name(command.ticket);
  auto spec = template_part(input, &pod_template::pod_spec);
  auto script_base = template_part(input, &pod_template::script_container);
  auto own_spec = spec.empty();

  // The task log wants the messages about affinity additions before those
  // about settings that do not parse [POD-26].
  std::vector<std::string> fallbacks;
  auto custom = [&](const std::optional<std::string>& text,
                    const char* variable, const char* description,
                    const char* fallback, bool (*usable)(const json&)) {
    return json_setting(text, "OCTOPUS__K8STENTACLE__" + std::string(variable),
                        description, fallback, usable, fallbacks);
  };
  pod_parts parts{settings, command, input, result.name, {}, {}};
  // A template's container and spec replace these settings [TPL-05].
  if (script_base.empty())
    parts.resources
      = custom(settings.resources_json, "PODRESOURCEJSON",
               "pod resource requirements", "default", is_resources)
          .value_or(default_resources());
  auto affinity = json::object();
  if (own_spec) {
    affinity = custom(settings.affinity_json, "PODAFFINITYJSON", "pod affinity",
                      "default", is_affinity)
                 .value_or(default_affinity());
    if (auto tolerations
        = custom(settings.tolerations_json, "PODTOLERATIONSJSON",
                 "pod tolerations", "no custom", is_array_of_objects))
      spec["tolerations"] = std::move(*tolerations);
    if (auto security
        = custom(settings.security_context_json, "PODSECURITYCONTEXTJSON",
                 "pod security context", "no custom", is_object))
      spec["securityContext"] = std::move(*security);
  } else if (auto i = spec.find("affinity");
             i != spec.end() && is_affinity(*i)) {
    affinity = *i;
  }
  parts.calamari_image = calamari_image(settings, command, input, result);
  auto annotations = script_pod_annotations(
    settings, command, template_part(input, &pod_template::annotations),
    fallbacks);
  auto labels = script_pod_labels(
    settings, command, template_part(input, &pod_template::labels), fallbacks);
  add_access_mode_affinity(affinity, settings, notes);
  add_platform_affinity(affinity, command, notes);
  notes.insert(notes.end(), fallbacks.begin(), fallbacks.end());

  // Whatever a template says: a script never runs twice [POD-08], [TPL-07].
  spec["restartPolicy"] = "Never";
  auto own_account
    = command.service_account && !blank(*command.service_account);
  spec["serviceAccountName"]
    = own_account ? *command.service_account : settings.service_account;
  // (the old name of the same field)
  spec.erase("serviceAccount");
  auto pull_secrets = image_pull_secrets(settings, input);
  append_unless_named(pull_secrets, spec, "imagePullSecrets");
  spec.erase("imagePullSecrets");
  if (!pull_secrets.empty())
    spec["imagePullSecrets"] = std::move(pull_secrets);
  spec.erase("affinity");
  if (!affinity.empty())
    spec["affinity"] = std::move(affinity);
  auto containers
    = json::array({script_container(parts, std::move(script_base))});
  auto& watchdog = settings.nfs_watchdog_image;
  if (watchdog && !blank(*watchdog) && !command.raw)
    containers.push_back(nfs_watchdog(
      settings, template_part(input, &pod_template::watchdog_container)));
  spec["containers"] = std::move(containers);
  spec.erase("initContainers");
  if (command.raw)
    spec["initContainers"] = json::array({raw_init_container(
      parts, template_part(input, &pod_template::script_container))});
  auto own_volumes = script_pod_volumes(parts);
  auto volumes = json::array();
  append_unless_named(volumes, spec, "volumes");
  // A volume of ours takes the place of a template's with its name.
  for (auto& volume : own_volumes) {
    std::erase_if(volumes.get_ref<json::array_t&>(), [&](const json& x) {
      return x.is_object() && x.value("name", json{}) == volume["name"];
    });
    volumes.push_back(std::move(volume));
  }
  spec["volumes"] = std::move(volumes);
  secure_containers(spec, settings, notes);
  json pod = {{"apiVersion", "v1"}, {"kind", "Pod"}};
  pod["metadata"] = {{"name", result.name},
                     {"namespace", settings.namespace_name},
                     {"labels", std::move(labels)},
                     {"annotations", std::move(annotations)}};
  if (settings.owner)
    pod["metadata"]["ownerReferences"] = owner_references(*settings.owner);
  pod["spec"] = std::move(spec);
  result.json = dump(pod);
  return result;
}

} // namespace cuttle::kubernetes
