// The ServiceMonitor against the schema of its kind: a test cluster may have no
// Prometheus Operator, and so nobody who knows the kind.

#include <algorithm>
#include <regex>

#include "tests/chart/helm.hpp"
#include "tests/folders.hpp"

namespace cuttle::test {

namespace {

bool has_type(const json& value, const std::string& type) {
  if (type == "object")
    return value.is_object();
  if (type == "array")
    return value.is_array();
  if (type == "string")
    return value.is_string();
  if (type == "boolean")
    return value.is_boolean();
  return type == "integer" && value.is_number_integer();
}

// What of a value does not keep a structural schema of Kubernetes; an unknown
// field is wrong, though the API server would only drop it.
void check(const json& schema, const json& value, const std::string& at,
           std::vector<std::string>& wrong) {
  auto complain
    = [&](const std::string& what) { wrong.push_back(at + ": " + what); };
  if (schema.value("x-kubernetes-int-or-string", false)) {
    if (!value.is_number_integer() && !value.is_string())
      complain("is no integer or string");
    return;
  }
  auto type = schema.value("type", "");
  if (!has_type(value, type))
    return complain("is no " + type);
  if (schema.contains("enum")) {
    auto& allowed = schema["enum"];
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end())
      complain("is none of " + allowed.dump());
  }
  if (schema.contains("pattern")
      && !std::regex_search(value.get<std::string>(),
                            std::regex{schema["pattern"].get<std::string>()}))
    complain("does not match");
  if (value.is_array())
    for (std::size_t i = 0; i < value.size(); ++i)
      check(schema["items"], value[i], at + "/" + std::to_string(i), wrong);
  if (!value.is_object())
    return;
  for (auto& key : schema.value("required", json::array()))
    if (!value.contains(key.get<std::string>()))
      complain("lacks " + key.get<std::string>());
  auto fields = schema.value("properties", json::object());
  for (auto& [key, inner] : value.items())
    if (fields.contains(key))
      check(fields[key], inner, at + "/" + key, wrong);
    else if (schema.contains("additionalProperties"))
      check(schema["additionalProperties"], inner, at + "/" + key, wrong);
    else
      complain("has no field " + key);
}

std::vector<std::string> mistakes(const json& monitor) {
  static const auto crd
    = to_json(load_file(tests_folder() + "/chart/service-monitor-crd.yaml"));
  std::vector<std::string> result;
  auto& version = crd["spec"]["versions"][0];
  auto kind = crd["spec"]["group"].get<std::string>() + "/"
              + version["name"].get<std::string>();
  if (monitor["apiVersion"] != kind)
    result.push_back("apiVersion");
  if (monitor["kind"] != crd["spec"]["names"]["kind"])
    result.push_back("kind");
  check(version["schema"]["openAPIV3Schema"]["properties"]["spec"],
        monitor["spec"], "spec", result);
  return result;
}

json values(const std::string& interval) {
  json result;
  result["cuttle"]["metrics"]["serviceMonitor"]
    = {{"enabled", true},
       {"interval", interval},
       {"labels", {{"prometheus", "main"}}}};
  return result;
}

} // namespace

class Monitoring : public Chart {};

TEST_F(Monitoring, TheMonitorHasTheFieldsOfItsKind) {
  render_options options;
  options.values = values("15s");
  auto chart = render(options);
  ASSERT_TRUE(chart.ok) << chart.trouble;
  auto* monitor = chart.find("ServiceMonitor", "octopus-agent");
  ASSERT_NE(monitor, nullptr);
  EXPECT_EQ(mistakes(*monitor), std::vector<std::string>{});
  // The check knows what is wrong.
  auto wrong = *monitor;
  wrong["spec"]["endpoints"][0]["interval"] = "often";
  wrong["spec"]["endpoints"][0]["ports"] = 8080;
  wrong["spec"]["selector"]["matchLabels"]["a"] = 1;
  EXPECT_EQ(mistakes(wrong).size(), 3u);
  wrong["spec"].erase("endpoints");
  EXPECT_EQ(mistakes(wrong).size(), 2u);
}

TEST_F(Monitoring, TheMonitorSelectsTheServiceAndItThePod_MET01) {
  render_options options;
  options.values = values("15s");
  auto chart = render(options);
  ASSERT_TRUE(chart.ok) << chart.trouble;
  auto* monitor = chart.find("ServiceMonitor", "octopus-agent");
  auto* service = chart.find("Service", "octopus-agent-metrics");
  auto* deployment = chart.find("Deployment", "octopus-agent-worker");
  ASSERT_TRUE(monitor && service && deployment);
  auto& spec = (*monitor)["spec"];
  for (auto& [key, value] : spec["selector"]["matchLabels"].items())
    EXPECT_EQ((*service)["metadata"]["labels"].value(key, json{}), value)
      << key;
  auto& pod = (*deployment)["spec"]["template"];
  for (auto& [key, value] : (*service)["spec"]["selector"].items())
    EXPECT_EQ(pod["metadata"]["labels"].value(key, json{}), value) << key;
  auto& port = (*service)["spec"]["ports"][0];
  EXPECT_EQ(port["name"], spec["endpoints"][0]["port"]);
  auto found = false;
  for (auto& own : pod["spec"]["containers"][0]["ports"])
    found = found || own["name"] == port["targetPort"];
  EXPECT_TRUE(found);
}

} // namespace cuttle::test
