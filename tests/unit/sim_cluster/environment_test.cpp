#include <algorithm>
#include <gtest/gtest.h>

#include "client.hpp"
#include "infra/sim/cluster_environment.hpp"

using namespace cuttle::sim;
using cuttle::sim::test::script_pod;

namespace {

bool has(const process_spec& spec, const std::string& entry) {
  return std::count(spec.environment.begin(), spec.environment.end(), entry)
         == 1;
}

TEST(ClusterEnvironment, HasTheManifestsVariablesAndTheContainersOwn) {
  cluster_store store{"ns", 10};
  auto pod = script_pod("p", "true");
  pod["spec"]["containers"][0]["env"] = nlohmann::json::array(
    {{{"name", "A"}, {"value", "1"}}, {{"name", "B"}, {"value", "$(A)2"}}});
  auto spec = make_process_spec(pod, store);
  ASSERT_TRUE(spec);
  EXPECT_TRUE(has(*spec, "A=1"));
  EXPECT_TRUE(has(*spec, "B=12"));
  EXPECT_TRUE(has(*spec, "HOSTNAME=p"));
  EXPECT_TRUE(has(*spec, "HOME=/tmp"));
  EXPECT_EQ(spec->arguments, (std::vector<std::string>{"sh", "-c", "true"}));
  EXPECT_EQ(spec->directory, "/");
}

TEST(ClusterEnvironment, TakesVariablesFromASecret_POD23) {
  cluster_store store{"ns", 10};
  auto pod = script_pod("p", "true");
  pod["spec"]["containers"][0]["envFrom"]
    = nlohmann::json::array({{{"secretRef", {{"name", "scripts-proxies"}}}}});
  auto missing = make_process_spec(pod, store);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().reason, "CreateContainerConfigError");
  EXPECT_EQ(missing.error().message, "secret \"scripts-proxies\" not found");
  ASSERT_TRUE(
    store.create("secrets", {{"metadata", {{"name", "scripts-proxies"}}},
                             {"data", {{"https_proxy", "aHR0cDovL3g="}}}}));
  auto spec = make_process_spec(pod, store);
  ASSERT_TRUE(spec);
  EXPECT_TRUE(has(*spec, "https_proxy=http://x"));
}

TEST(ClusterEnvironment, NeedsACommand) {
  cluster_store store{"ns", 10};
  auto pod = script_pod("p", "true");
  pod["spec"]["containers"][0].erase("command");
  auto spec = make_process_spec(pod, store);
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().reason, "CreateContainerError");
}

} // namespace
