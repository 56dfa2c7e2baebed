// Prometheus' way from the ServiceMonitor to the worker's metrics. The object
// is rendered, not applied: the test cluster knows no such kind, and Prometheus
// Operator does no more with it than what is done here.

#include "tests/e2e/helm_stage.hpp"
#include "tests/folders.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;

class MonitoringStory : public HelmStage {
protected:
  json monitor() {
    auto rendered = helm({"template", release(), chart_folder(), "--set",
                          "cuttle.metrics.serviceMonitor.enabled=true"});
    EXPECT_EQ(rendered.code, 0) << rendered.text;
    for (auto& object : documents(rendered.text))
      if (object["kind"] == "ServiceMonitor")
        return object;
    return nullptr;
  }
};

} // namespace

TEST_F(MonitoringStory, TheMonitorLeadsToTheWorkersMetrics_MET01) {
  json values;
  values["cuttle"]["metrics"]["service"]["enabled"] = true;
  ASSERT_NO_FATAL_FAILURE(install(values));
  ASSERT_NO_FATAL_FAILURE(connect());
  auto spec = monitor()["spec"];
  ASSERT_TRUE(spec.is_object());

  // Its selector finds one service, whose port leads to the worker.
  std::string selector;
  for (auto& [key, value] : spec["selector"]["matchLabels"].items())
    selector
      += (selector.empty() ? "" : ",") + key + "=" + value.get<std::string>();
  auto services = list("services", selector);
  ASSERT_EQ(services.size(), 1u) << services;
  auto& endpoint = spec["endpoints"][0];
  auto name = services[0]["metadata"]["name"].get<std::string>();
  auto at = address_of("agent.octopus.com/component=tentacle");
  json found;
  EXPECT_TRUE(eventually(
    [&] {
      found = get("endpoints", name);
      return found.value("/subsets/0/addresses/0/ip"_json_pointer, "") == at;
    },
    60s))
    << found;
  EXPECT_EQ(found["subsets"][0]["ports"][0]["name"], endpoint["port"]);
  auto page = kubectl({"get", "--raw",
                       "/api/v1/namespaces/" + name_space() + "/services/"
                         + name + ":" + endpoint["port"].get<std::string>()
                         + "/proxy" + endpoint["path"].get<std::string>()});
  EXPECT_EQ(page.code, 0) << page.text;
  EXPECT_NE(page.text.find("# TYPE cuttle_"), std::string::npos)
    << page.text.substr(0, 500);
}

} // namespace cuttle::test
