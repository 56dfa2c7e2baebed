#include "infra/sim/cluster_discovery.hpp"

#include <string>

#include "infra/sim/cluster_status.hpp"

namespace cuttle::sim {

namespace {

nlohmann::json resource(const std::string& name, const std::string& singular,
                        const std::string& short_name,
                        const nlohmann::json& verbs) {
  nlohmann::json result{{"name", name},
                        {"singularName", singular},
                        {"namespaced", true},
                        {"kind", kind_of(name)},
                        {"verbs", verbs}};
  if (!short_name.empty())
    result["shortNames"] = nlohmann::json::array({short_name});
  return result;
}

} // namespace

nlohmann::json version_object(std::string_view version) {
  auto text = std::string{version};
  auto plain = text.starts_with('v') ? text.substr(1) : text;
  auto dot = plain.find('.');
  auto major = plain.substr(0, dot);
  auto minor = dot == plain.npos ? "" : plain.substr(dot + 1);
  minor = minor.substr(0, minor.find('.'));
  return {{"major", major},           {"minor", minor},
          {"gitVersion", text},       {"gitCommit", std::string(40, '0')},
          {"gitTreeState", "clean"},  {"buildDate", "2025-01-01T00:00:00Z"},
          {"goVersion", "go1.23.6"},  {"compiler", "gc"},
          {"platform", "linux/amd64"}};
}

std::optional<nlohmann::json> discovery_object(std::string_view path) {
  if (path == "/api")
    return nlohmann::json{{"kind", "APIVersions"},
                          {"versions", nlohmann::json::array({"v1"})}};
  if (path == "/apis")
    return nlohmann::json{{"kind", "APIGroupList"},
                          {"apiVersion", "v1"},
                          {"groups", nlohmann::json::array()}};
  if (path != "/api/v1")
    return std::nullopt;
  auto verbs = nlohmann::json::array(
    {"create", "delete", "get", "list", "patch", "watch"});
  auto read = nlohmann::json::array({"delete", "get", "list", "watch"});
  auto log = resource("pods/log", "", "", nlohmann::json::array({"get"}));
  log["kind"] = "Pod";
  auto list = nlohmann::json::array(
    {resource("pods", "pod", "po", verbs), std::move(log),
     resource("events", "event", "ev", read),
     resource("configmaps", "configmap", "cm", verbs),
     resource("secrets", "secret", "", verbs)});
  return nlohmann::json{{"kind", "APIResourceList"},
                        {"groupVersion", "v1"},
                        {"resources", std::move(list)}};
}

} // namespace cuttle::sim
