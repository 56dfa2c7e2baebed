// What must be so that helm can upgrade a release of the stock chart to ours
// and roll it back: the same names, and nothing different that can not be
// changed. The stock chart is played by tests/e2e/stock-chart;
// tests/e2e/takeover_story does it on a cluster.

#include <set>

#include "tests/chart/helm.hpp"
#include "tests/folders.hpp"

namespace cuttle::test {

namespace {

using names = std::set<std::string>;

std::string title(const json& object) {
  return object["kind"].get<std::string>() + "/"
         + object["metadata"]["name"].get<std::string>();
}

// What a person may have set with the stock chart; both get the same values.
std::vector<json> all_values() {
  json portal{
    {"agent",
     {{"acceptEula", "Y"},
      {"name", "Shop"},
      {"serverUrl", "https://octopus.example/"},
      {"serverCommsAddresses", {"https://octopus.example:10943/"}},
      {"serverApiKey", "API-X"},
      {"serverCertificate", "LS0t"},
      {"worker", {{"enabled", true}, {"initial", {{"workerPools", {"a"}}}}}}}}};
  auto shared = portal;
  shared["persistence"] = {{"accessModes", {"ReadWriteMany"}},
                           {"storageClassName", "files"},
                           {"size", "25Gi"}};
  auto bound = portal;
  bound["persistence"]
    = {{"storageClassName", "manual"}, {"volumeName", "volume-1"}};
  return {portal, shared, bound};
}

rendering stock(const json& values) {
  render_options options;
  options.chart = stock_chart_folder();
  options.values = values;
  return render(options);
}

rendering ours(const json& values) {
  render_options options;
  options.values = values;
  return render(options);
}

bool selects(const json& selector, const json& labels) {
  for (auto& [key, value] : selector["matchLabels"].items())
    if (labels.value(key, json{}) != value)
      return false;
  return true;
}

class TakeOver : public Chart {};

} // namespace

TEST_F(TakeOver, WhatBothChartsHaveDiffersInNothingThatCanNotBeChanged) {
  for (auto& values : all_values()) {
    auto before = stock(values);
    auto after = ours(values);
    ASSERT_TRUE(before.ok) << before.trouble;
    ASSERT_TRUE(after.ok) << after.trouble;
    unsigned compared = 0;
    for (auto& old : before.objects) {
      auto* found = after.find(old["kind"], old["metadata"]["name"]);
      if (found == nullptr)
        continue;
      SCOPED_TRACE(title(old));
      ++compared;
      auto& now = *found;
      EXPECT_EQ(old["apiVersion"], now["apiVersion"]);
      EXPECT_EQ(old["metadata"].value("namespace", ""),
                now["metadata"].value("namespace", ""));
      for (auto* label :
           {"app.kubernetes.io/name", "app.kubernetes.io/instance",
            "app.kubernetes.io/managed-by"})
        EXPECT_EQ(old["metadata"]["labels"][label],
                  now["metadata"]["labels"][label]);
      // Fields that the API server lets nobody change.
      EXPECT_EQ(old.value("type", ""), now.value("type", ""));
      EXPECT_EQ(old.value("roleRef", json{}), now.value("roleRef", json{}));
      if (old["kind"] == "PersistentVolumeClaim") {
        EXPECT_EQ(old["spec"], now["spec"]);
      }
      if (old["kind"] == "Deployment") {
        EXPECT_EQ(old["spec"]["selector"], now["spec"]["selector"]);
      }
    }
    EXPECT_EQ(compared, 14u);
  }
}

TEST_F(TakeOver, StoresAreRenderedWithoutWhatTheyHold) {
  for (auto chart : {stock(all_values()[0]), ours(all_values()[0])})
    for (auto [kind, name] : {std::pair{"ConfigMap", "tentacle-config"},
                              {"ConfigMap", "kubernetes-agent-metrics"},
                              {"Secret", "tentacle-secret"}}) {
      auto* store = chart.find(kind, name);
      ASSERT_NE(store, nullptr) << name;
      EXPECT_TRUE(store->value("data", json{}).is_null()) << name;
      EXPECT_FALSE(store->contains("stringData")) << name;
      EXPECT_FALSE(store->value("immutable", false)) << name;
    }
}

TEST_F(TakeOver, ReplacesOnlyTheDeploymentAndRightsForTheWholeCluster) {
  auto values = all_values()[0];
  names before;
  names after;
  for (auto& x : stock(values).objects)
    before.insert(title(x));
  for (auto& x : ours(values).objects)
    after.insert(title(x));
  names gone;
  names come;
  for (auto& x : before)
    if (!after.contains(x))
      gone.insert(x);
  for (auto& x : after)
    if (!before.contains(x))
      come.insert(x);
  EXPECT_EQ(
    gone,
    (names{"Deployment/octopus-agent-tentacle",
           "ClusterRole/octopus-agent-scripts-shop-role",
           "ClusterRole/octopus-agent-auto-upgrader-shop-role",
           "ClusterRoleBinding/octopus-agent-auto-upgrader-shop-binding"}));
  EXPECT_EQ(come,
            (names{"Deployment/octopus-agent-worker",
                   "Role/octopus-agent-auto-upgrader-shop-self-role",
                   "RoleBinding/octopus-agent-auto-upgrader-self-binding"}));
}

TEST_F(TakeOver, OurDeploymentTakesNoPodOfTheOtherOne) {
  auto values = all_values()[0];
  auto before = stock(values);
  auto after = ours(values);
  auto* theirs = before.find("Deployment", "octopus-agent-tentacle");
  auto* mine = after.find("Deployment", "octopus-agent-worker");
  ASSERT_NE(theirs, nullptr);
  ASSERT_NE(mine, nullptr);
  auto labels
    = [](const json& x) { return x["spec"]["template"]["metadata"]["labels"]; };
  EXPECT_TRUE(selects((*mine)["spec"]["selector"], labels(*mine)));
  EXPECT_TRUE(selects((*theirs)["spec"]["selector"], labels(*theirs)));
  EXPECT_FALSE(selects((*mine)["spec"]["selector"], labels(*theirs)));
  // Script pods look for the worker's node by these.
  for (auto* label :
       {"app.kubernetes.io/instance", "agent.octopus.com/component"})
    EXPECT_EQ(labels(*mine)[label], labels(*theirs)[label]);
}

} // namespace cuttle::test
