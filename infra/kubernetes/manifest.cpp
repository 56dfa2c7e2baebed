#include "infra/kubernetes/manifest.hpp"

#include "infra/kubernetes/affinity.hpp"
#include "infra/kubernetes/metadata.hpp"
#include "infra/kubernetes/pod_json.hpp"
#include "infra/kubernetes/shell.hpp"

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

json default_resources() {
  return {{"requests", {{"cpu", "25m"}, {"memory", "100Mi"}}}};
}

json mount(std::string path, std::string volume) {
  return {{"mountPath", std::move(path)}, {"name", std::move(volume)}};
}

/// The command line for `sh -c` [POD-11].
std::string command_line(const script_pod_settings& settings,
                         const start_script& command) {
  auto workspace = settings.home + "/Work/" + command.ticket.task_id;
  auto line = shell_word(workspace + "/execute-bootstrapRunner.sh") + ' '
              + shell_word(workspace) + ' '
              + shell_word(workspace + "/Bootstrap.sh");
  for (auto& argument : command.arguments)
    line += ' ' + shell_word(argument);
  return kubernetes_literal(line);
}

/// Environment of the script container [POD-22].
json environment(const script_pod_settings& settings,
                 const script_pod_input& input) {
  auto result = json::array();
  auto add = [&](std::string name, std::string_view value) {
    result.push_back(
      {{"name", std::move(name)}, {"value", kubernetes_literal(value)}});
  };
  const std::string p = "OCTOPUS__K8STENTACLE__";
  add(p + "NAMESPACE", settings.namespace_name);
  add(p + "HELMRELEASENAME", settings.release_name);
  add(p + "HELMCHARTVERSION", settings.chart_version);
  add(p + "KUBERNETESMONITORENABLED", settings.kubernetes_monitor_enabled);
  add("ServerCommsAddresses", settings.server_comms_addresses);
  add(p + "PERSISTENTVOLUMEFREEBYTES", std::to_string(input.volume_free_bytes));
  add(p + "PERSISTENTVOLUMETOTALBYTES",
      std::to_string(input.volume_total_bytes));
  add("TentacleHome", settings.home);
  add("TentacleInstanceName", settings.instance_name);
  add("TentacleVersion", settings.worker_version);
  add("TentacleCertificateSignatureAlgorithm",
      settings.certificate_signature_algorithm);
  add("OCTOPUS_RUNNING_IN_CONTAINER", "Y");
  return result;
}

json script_container(const script_pod_settings& settings,
                      const start_script& command,
                      const script_pod_input& input, const std::string& name,
                      json resources) {
  json result = {{"name", name}, {"image", input.image}};
  if (settings.pull_policy && !blank(*settings.pull_policy))
    result["imagePullPolicy"] = *settings.pull_policy;
  result["command"] = json::array({"sh"});
  result["args"] = json::array({"-c", command_line(settings, command)});
  result["resources"] = std::move(resources);
  result["env"] = environment(settings, input);
  if (settings.proxies_secret && !blank(*settings.proxies_secret)) {
    json source = {{"secretRef", {{"name", *settings.proxies_secret}}}};
    result["envFrom"] = json::array({std::move(source)});
  }
  result["volumeMounts"]
    = json::array({mount(settings.home, "tentacle-home"),
                   mount("/root/agent_upgrade/", "agent-upgrade"),
                   mount("/tmp/agent_upgrade/", "agent-upgrade")});
  return result;
}

/// The sidecar that ends the pod when the NFS volume hangs [POD-25].
json nfs_watchdog(const script_pod_settings& settings) {
  json home = {{"name", "watchdog_directory"},
               {"value", kubernetes_literal(settings.home)}};
  return {
    {"name", "nfs-watchdog"},
    {"image", *settings.nfs_watchdog_image},
    {"env", json::array({std::move(home)})},
    {"resources", default_resources()},
    {"volumeMounts", json::array({mount(settings.home, "tentacle-home")})}};
}

json volumes(const script_pod_settings& settings) {
  json home
    = {{"name", "tentacle-home"},
       {"persistentVolumeClaim", {{"claimName", settings.volume_claim}}}};
  json item = {{"key", ".dockerconfigjson"}, {"path", "config.json"}};
  json upgrade = {{"name", "agent-upgrade"},
                  {"secret",
                   {{"secretName", "agent-upgrade-secret"},
                    {"optional", true},
                    {"items", json::array({std::move(item)})}}}};
  return json::array({std::move(home), std::move(upgrade)});
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

} // namespace

script_pod_manifest make_script_pod(const script_pod_settings& settings,
                                    const start_script& command,
                                    const script_pod_input& input) {
  script_pod_manifest result;
  auto& notes = result.notes;
  result.name = script_pod_name(command.ticket);

  // The task log wants the messages about affinity additions before those
  // about settings that do not parse [POD-26].
  std::vector<std::string> fallbacks;
  auto custom = [&](const std::optional<std::string>& text,
                    const char* variable, const char* description,
                    const char* fallback, bool (*usable)(const json&)) {
    return json_setting(text, "OCTOPUS__K8STENTACLE__" + std::string(variable),
                        description, fallback, usable, fallbacks);
  };
  auto resources = custom(settings.resources_json, "PODRESOURCEJSON",
                          "pod resource requirements", "default", is_resources)
                     .value_or(default_resources());
  auto affinity = custom(settings.affinity_json, "PODAFFINITYJSON",
                         "pod affinity", "default", is_affinity)
                    .value_or(default_affinity());
  auto tolerations
    = custom(settings.tolerations_json, "PODTOLERATIONSJSON", "pod tolerations",
             "no custom", is_array_of_objects);
  auto security
    = custom(settings.security_context_json, "PODSECURITYCONTEXTJSON",
             "pod security context", "no custom", is_object);
  auto annotations = script_pod_annotations(settings, command, fallbacks);
  auto labels = script_pod_labels(settings, command, fallbacks);
  add_access_mode_affinity(affinity, settings, notes);
  add_platform_affinity(affinity, command, notes);
  notes.insert(notes.end(), fallbacks.begin(), fallbacks.end());

  json spec = {{"restartPolicy", "Never"}};
  auto own_account
    = command.service_account && !blank(*command.service_account);
  spec["serviceAccountName"]
    = own_account ? *command.service_account : settings.service_account;
  auto pull_secrets = image_pull_secrets(settings, input);
  if (!pull_secrets.empty())
    spec["imagePullSecrets"] = std::move(pull_secrets);
  spec["affinity"] = std::move(affinity);
  if (tolerations)
    spec["tolerations"] = std::move(*tolerations);
  if (security)
    spec["securityContext"] = std::move(*security);
  auto containers = json::array({script_container(
    settings, command, input, result.name, std::move(resources))});
  if (settings.nfs_watchdog_image && !blank(*settings.nfs_watchdog_image))
    containers.push_back(nfs_watchdog(settings));
  spec["containers"] = std::move(containers);
  secure_containers(spec, settings, notes);
  spec["volumes"] = volumes(settings);
  json pod = {{"apiVersion", "v1"}, {"kind", "Pod"}};
  pod["metadata"] = {{"name", result.name},
                     {"namespace", settings.namespace_name},
                     {"labels", std::move(labels)},
                     {"annotations", std::move(annotations)}};
  pod["spec"] = std::move(spec);
  result.json = dump(pod);
  return result;
}

} // namespace cuttle::kubernetes
