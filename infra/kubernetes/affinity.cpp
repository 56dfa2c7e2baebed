#include "infra/kubernetes/affinity.hpp"

#include <algorithm>
#include <cctype>

namespace cuttle::kubernetes {

namespace {

constexpr auto required = "requiredDuringSchedulingIgnoredDuringExecution";

json in(std::string key, std::vector<std::string> values) {
  return {
    {"key", std::move(key)}, {"operator", "In"}, {"values", std::move(values)}};
}

json node_selector(json expressions) {
  json term = {{"matchExpressions", std::move(expressions)}};
  return {{"nodeSelectorTerms", json::array({std::move(term)})}};
}

bool same_ignoring_case(std::string_view x, std::string_view y) {
  return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                    [](unsigned char a, unsigned char b) {
                      return std::tolower(a) == std::tolower(b);
                    });
}

bool absent(const json& object, const char* member) {
  auto i = object.find(member);
  return i == object.end() || i->is_null();
}

bool optional_object(const json& object, const char* member) {
  return absent(object, member) || object[member].is_object();
}

bool optional_array(const json& object, const char* member) {
  return absent(object, member) || object[member].is_array();
}

/// The member as an object or array, made when it is absent or null.
json& member(json& object, const char* name, json empty) {
  auto& result = object[name];
  if (result.is_null())
    result = std::move(empty);
  return result;
}

} // namespace

json default_affinity() {
  auto expressions
    = json::array({in("kubernetes.io/os", {"linux"}),
                   in("kubernetes.io/arch", {"arm64", "amd64"})});
  return {{"nodeAffinity", {{required, node_selector(expressions)}}}};
}

bool is_affinity(const json& value) {
  if (!value.is_object())
    return false;
  for (auto kind : {"nodeAffinity", "podAffinity", "podAntiAffinity"}) {
    if (!optional_object(value, kind))
      return false;
    if (absent(value, kind))
      continue;
    auto fits = kind == std::string_view{"nodeAffinity"} ? optional_object
                                                         : optional_array;
    if (!fits(value[kind], required)
        || !optional_array(value[kind],
                           "preferredDuringSchedulingIgnoredDuringExecution"))
      return false;
  }
  return true;
}

void add_access_mode_affinity(json& affinity,
                              const script_pod_settings& settings,
                              std::vector<std::string>& notes) {
  auto& text = settings.access_modes_json;
  if (!text || blank(*text))
    return;
  notes.push_back("Tentacle access modes: " + *text);
  auto modes = json::parse(*text, nullptr, false);
  auto is_text = [](const json& mode) { return mode.is_string(); };
  if (modes.is_null())
    return;
  if (!modes.is_array() || !std::all_of(modes.begin(), modes.end(), is_text)) {
    notes.push_back("The access modes are not a JSON array of texts. The "
                    "script pod is not bound to the node of the tentacle pod.");
    return;
  }
  if (modes.size() != 1
      || !same_ignoring_case(modes[0].get_ref<const std::string&>(),
                             "ReadWriteOnce"))
    return;
  notes.push_back("Access mode is 'ReadWriteOnce'. Adding podAffinity to "
                  "co-locate script pod with tentacle pod on the same node.");
  auto expressions
    = json::array({in("app.kubernetes.io/instance", {settings.release_name}),
                   in("agent.octopus.com/component", {"tentacle"})});
  json term = {{"labelSelector", {{"matchExpressions", expressions}}},
               {"topologyKey", "kubernetes.io/hostname"}};
  auto& pods = member(affinity, "podAffinity", json::object());
  member(pods, required, json::array()).push_back(std::move(term));
}

void add_platform_affinity(json& affinity, const start_script& command,
                           std::vector<std::string>& notes) {
  if (!command.platform || blank(*command.platform))
    return;
  auto& platform = *command.platform;
  auto dash = platform.find('-');
  if (dash == std::string::npos || dash == 0 || dash + 1 == platform.size()
      || platform.find('-', dash + 1) != std::string::npos) {
    notes.push_back("Invalid platform affinity '" + platform
                    + "'. Expected format: '<os>-<arch>'.");
    return;
  }
  auto os = platform.substr(0, dash);
  auto arch = platform.substr(dash + 1);
  if (same_ignoring_case(arch, "x64"))
    arch = "amd64";
  notes.push_back("Adding node affinity for platform '" + os + "-" + arch
                  + "'.");
  auto& nodes = member(affinity, "nodeAffinity", json::object());
  nodes[required] = node_selector(json::array(
    {in("kubernetes.io/os", {os}), in("kubernetes.io/arch", {arch})}));
}

} // namespace cuttle::kubernetes
