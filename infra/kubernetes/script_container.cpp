#include "infra/kubernetes/script_container.hpp"

#include "infra/kubernetes/shell.hpp"

namespace cuttle::kubernetes {

namespace {

constexpr auto calamari_path = "/calamari";
constexpr auto shared_volume_path = "/nfs-mount";

json mount(std::string path, std::string volume) {
  return {{"mountPath", std::move(path)}, {"name", std::move(volume)}};
}

std::string workspace_of(const pod_parts& pod) {
  return "/Work/" + pod.command.ticket.task_id;
}

/// The command line for `sh -c` [POD-11]. `exec` makes the runner the first
/// process of the container, which gets the signal when the pod is deleted;
/// some shells would stay in between and keep it to themselves [BR-13].
std::string command_line(const pod_parts& pod) {
  auto workspace = pod.settings.home + workspace_of(pod);
  auto line = "exec " + shell_word(workspace + "/execute-bootstrapRunner.sh")
              + ' ' + shell_word(workspace) + ' '
              + shell_word(workspace + "/Bootstrap.sh");
  for (auto& argument : pod.command.arguments)
    line += ' ' + shell_word(argument);
  return kubernetes_literal(line);
}

/// Environment of the script container [POD-22].
json environment(const pod_parts& pod) {
  auto& settings = pod.settings;
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
  add(p + "PERSISTENTVOLUMEFREEBYTES",
      std::to_string(pod.input.volume_free_bytes));
  add(p + "PERSISTENTVOLUMETOTALBYTES",
      std::to_string(pod.input.volume_total_bytes));
  add("TentacleHome", settings.home);
  add("TentacleInstanceName", settings.instance_name);
  add("TentacleVersion", settings.worker_version);
  add("TentacleCertificateSignatureAlgorithm",
      settings.certificate_signature_algorithm);
  add("OCTOPUS_RUNNING_IN_CONTAINER", "Y");
  if (!pod.calamari_image.empty())
    add("CalamariImageDirectoryPath", calamari_path);
  return result;
}

/// Puts our elements behind those that a template has [TPL-04].
void extend(json& container, const char* member, json elements) {
  auto& list = container[member];
  if (!list.is_array())
    list = json::array();
  for (auto& element : elements)
    list.push_back(std::move(element));
}

void set_image(json& container, const pod_parts& pod) {
  container["image"] = pod.input.image;
  // A template's own policy counts only where nobody has set one.
  auto& policy = pod.settings.pull_policy;
  if (policy && !blank(*policy))
    container["imagePullPolicy"] = *policy;
}

} // namespace

json default_resources() {
  return {{"requests", {{"cpu", "25m"}, {"memory", "100Mi"}}}};
}

json script_container(const pod_parts& pod, json base) {
  auto own_resources = base.empty();
  json result = {{"name", pod.name}};
  base.erase("name");
  result.update(base);
  set_image(result, pod);
  result["command"] = json::array({"sh"});
  result["args"] = json::array({"-c", command_line(pod)});
  if (own_resources)
    result["resources"] = pod.resources;
  extend(result, "env", environment(pod));
  auto& proxies = pod.settings.proxies_secret;
  if (proxies && !blank(*proxies)) {
    json source = {{"secretRef", {{"name", *proxies}}}};
    extend(result, "envFrom", json::array({std::move(source)}));
  }
  extend(result, "volumeMounts",
         json::array({mount(pod.settings.home, "tentacle-home"),
                      mount("/root/agent_upgrade/", "agent-upgrade"),
                      mount("/tmp/agent_upgrade/", "agent-upgrade")}));
  if (!pod.calamari_image.empty())
    extend(result, "volumeMounts",
           json::array({mount(calamari_path, "calamari")}));
  return result;
}

json nfs_watchdog(const script_pod_settings& settings, json base) {
  auto own_resources = base.empty();
  json result = {{"name", "nfs-watchdog"}};
  base.erase("name");
  result.update(base);
  result["image"] = *settings.nfs_watchdog_image;
  json home = {{"name", "watchdog_directory"},
               {"value", kubernetes_literal(settings.home)}};
  extend(result, "env", json::array({std::move(home)}));
  if (own_resources)
    result["resources"] = default_resources();
  extend(result, "volumeMounts",
         json::array({mount(settings.home, "tentacle-home")}));
  return result;
}

json raw_init_container(const pod_parts& pod, json base) {
  auto own_resources = base.empty();
  json result = {{"name", pod.name + "-init"}};
  base.erase("name");
  base.erase("args");
  result.update(base);
  set_image(result, pod);
  auto source = shell_word(shared_volume_path + workspace_of(pod));
  auto target = shell_word(pod.settings.home + workspace_of(pod));
  // The star stands outside of the quotes: all but dot files.
  auto script = "mkdir -p " + target + " && cp -r " + source + "/* " + target;
  result["command"]
    = json::array({"sh", "-c", kubernetes_literal(std::move(script))});
  if (own_resources)
    result["resources"] = default_resources();
  extend(result, "volumeMounts",
         json::array({mount(shared_volume_path, "init-nfs-volume"),
                      mount(pod.settings.home, "tentacle-home")}));
  return result;
}

json script_pod_volumes(const pod_parts& pod) {
  auto result = json::array();
  json claim = {{"claimName", pod.settings.volume_claim}};
  if (pod.command.raw) {
    result.push_back({{"name", "tentacle-home"}, {"emptyDir", json::object()}});
    result.push_back(
      {{"name", "init-nfs-volume"}, {"persistentVolumeClaim", claim}});
  } else {
    result.push_back(
      {{"name", "tentacle-home"}, {"persistentVolumeClaim", claim}});
  }
  json item = {{"key", ".dockerconfigjson"}, {"path", "config.json"}};
  result.push_back({{"name", "agent-upgrade"},
                    {"secret",
                     {{"secretName", "agent-upgrade-secret"},
                      {"optional", true},
                      {"items", json::array({std::move(item)})}}}});
  if (!pod.calamari_image.empty()) {
    json image = {{"reference", pod.calamari_image},
                  {"pullPolicy", pod.settings.calamari_pull_policy}};
    result.push_back({{"name", "calamari"}, {"image", std::move(image)}});
  }
  return result;
}

} // namespace cuttle::kubernetes
