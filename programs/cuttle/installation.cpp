#include "programs/cuttle/installation.hpp"

#include <utility>

namespace cuttle {

namespace {

/// Name and tag of an image.
std::pair<std::string, std::string> split_tag(const std::string& image) {
  auto colon = image.rfind(':');
  if (colon == std::string::npos || image.find('/', colon) != std::string::npos)
    return {image, "latest"};
  return {image.substr(0, colon), image.substr(colon + 1)};
}

} // namespace

std::map<std::string, std::string>
worker_environment(const installation& from) {
  auto prefix = std::string{"OCTOPUS__K8STENTACLE__"};
  auto [image, tag] = split_tag(from.image);
  return {
    {prefix + "NAMESPACE", from.namespace_name},
    {prefix + "PODSERVICEACCOUNTNAME", "octopus-agent-scripts"},
    {prefix + "PODVOLUMECLAIMNAME", "cuttle-demo"},
    {prefix + "HELMRELEASENAME", "cuttle-demo"},
    {prefix + "HELMCHARTVERSION", CUTTLE_VERSION},
    {prefix + "PERSISTENTVOLUMESIZE", "10Gi"},
    {prefix + "SCRIPTPODIMAGE", image},
    {prefix + "SCRIPTPODIMAGETAG", tag},
    {"BOOTSTRAPRUNNEREXECUTABLEDIRECTORY", from.runner.string()},
    {"TentacleHome", from.home.string()},
    {"TentaclePollingConnectionCount", "5"},
    {"OCTOPUS__TENTACLE__LOGLEVEL", "Warn"},
    {"CUTTLE_HTTP_BIND", "127.0.0.1"},
    {"CUTTLE_HTTP_PORT", "0"},
  };
}

std::map<std::string, std::string>
registered_entries(const std::vector<settings::trusted_server>& servers) {
  return {{"Tentacle.Services.IsRegistered", "true"},
          {"Tentacle.Services.NoListen", "true"},
          {"Tentacle.Communication.TrustedOctopusServers",
           settings::trusted_servers_json(servers)}};
}

} // namespace cuttle
