#pragma once

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

#include "tests/chart/yaml_json.hpp"
#include "tests/folders.hpp"

namespace cuttle::test {

/// What `helm template` made of the chart.
struct rendering {
  bool ok = false;
  /// As it came.
  std::string text;
  /// What helm complained about.
  std::string trouble;
  std::vector<json> objects;

  /// The object, or null.
  const json* find(const std::string& kind, const std::string& name) const;
};

/// Options of `helm template`.
struct render_options {
  json values = json::object();
  std::string chart = chart_folder();
  std::string release = "shop";
  std::string name_space = "octopus-worker-shop";
  std::vector<std::string> more;
  /// The helm to use; empty: `find_helm()`.
  std::string helm;
};

/// The helm to use: that of CUTTLE_HELM, of the test cluster's cache, or of
/// PATH. With `helm4`, Helm 4 beside Helm 3: that of CUTTLE_HELM4, or a
/// `helm4` in the same places.
std::optional<std::string> find_helm(const std::string& name = "helm");

/// Every helm that there is: Helm 3, Helm 4, or both. Fails the test if one is
/// missing although CUTTLE_NEED_HELM is set.
std::vector<std::string> find_helms();

/// Renders a chart; throws only if helm can not be run at all.
rendering render(const render_options& options);

/// Skips its tests where there is no helm, unless CUTTLE_NEED_HELM is set.
class Chart : public ::testing::Test {
protected:
  void SetUp() override;
};

} // namespace cuttle::test
