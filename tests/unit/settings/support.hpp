#pragma once

#include <map>
#include <string>

#include "infra/settings/settings.hpp"

namespace cuttle::settings::test {

inline constexpr auto prefix = "OCTOPUS__K8STENTACLE__";

/// What the chart always sets.
inline string_map chart_variables() {
  std::string p = prefix;
  return {{p + "NAMESPACE", "octopus"},
          {p + "PODSERVICEACCOUNTNAME", "worker-scripts"},
          {p + "PODVOLUMECLAIMNAME", "worker-pvc"},
          {p + "HELMRELEASENAME", "worker"},
          {p + "HELMCHARTVERSION", "3.13.2"},
          {p + "PERSISTENTVOLUMESIZE", "10Gi"},
          {"BOOTSTRAPRUNNEREXECUTABLEDIRECTORY", "/runner/"}};
}

inline environment of(string_map variables) {
  return [variables](const std::string& name) -> std::optional<std::string> {
    auto found = variables.find(name);
    if (found == variables.end())
      return std::nullopt;
    return found->second;
  };
}

/// The chart's variables and these.
inline environment_result read(const string_map& more) {
  auto variables = chart_variables();
  for (auto& [name, value] : more)
    variables[name] = value;
  return read_environment(of(variables));
}

} // namespace cuttle::settings::test
