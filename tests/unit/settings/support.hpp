#pragma once

#include <gtest/gtest.h>
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

/// The text of the only warning, which must be about that variable.
inline std::string warning(const environment_result& result,
                           const std::string& variable) {
  EXPECT_EQ(result.warnings.size(), 1u);
  EXPECT_TRUE(result.errors.empty());
  if (result.warnings.size() != 1)
    return {};
  EXPECT_EQ(result.warnings[0].variable, variable);
  return result.warnings[0].text;
}

} // namespace cuttle::settings::test
