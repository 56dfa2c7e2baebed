#include <gtest/gtest.h>

#include "client.hpp"
#include "infra/sim/cluster_manifest.hpp"

using namespace cuttle::sim;
using cuttle::sim::test::script_pod;

namespace {

std::string first_field(const nlohmann::json& pod) {
  auto errors = validate("pods", pod);
  return errors.empty() ? "" : errors.front().field;
}

TEST(ClusterManifest, AcceptsAScriptPod) {
  EXPECT_EQ(first_field(script_pod("octopus-script-abc", "true")), "");
}

TEST(ClusterManifest, RefusesWhatKubernetesRefuses) {
  auto good = script_pod("p", "true");
  auto bad = good;
  bad["metadata"]["name"] = "Upper";
  EXPECT_EQ(first_field(bad), "metadata.name");
  bad = good;
  bad["metadata"]["name"] = std::string(254, 'a');
  EXPECT_EQ(first_field(bad), "metadata.name");
  bad = good;
  bad["metadata"]["labels"]["a"] = std::string(64, 'x');
  EXPECT_EQ(first_field(bad), "metadata.labels");
  bad = good;
  bad["metadata"]["labels"]["a"] = "with blank";
  EXPECT_EQ(first_field(bad), "metadata.labels");
  bad = good;
  bad["metadata"]["annotations"]["a"] = std::string(300'000, 'x');
  EXPECT_EQ(first_field(bad), "metadata.annotations");
  bad = good;
  bad["spec"].erase("containers");
  EXPECT_EQ(first_field(bad), "spec.containers");
  bad = good;
  bad["spec"]["containers"][0].erase("image");
  EXPECT_EQ(first_field(bad), "spec.containers[0].image");
  bad = good;
  bad["spec"]["containers"].push_back(bad["spec"]["containers"][0]);
  EXPECT_EQ(first_field(bad), "spec.containers[1].name");
  bad = good;
  bad["spec"]["containers"][0]["volumeMounts"]
    = {{{"name", "nowhere"}, {"mountPath", "/x"}}};
  EXPECT_EQ(first_field(bad), "spec.containers[0].volumeMounts[0].name");
  bad = good;
  bad["spec"]["restartPolicy"] = "Sometimes";
  EXPECT_EQ(first_field(bad), "spec.restartPolicy");
}

TEST(ClusterManifest, FillsInWhatKubernetesFillsIn) {
  auto pod = script_pod("p", "true");
  pod["spec"].erase("terminationGracePeriodSeconds");
  pod["spec"].erase("restartPolicy");
  set_pod_defaults(pod);
  EXPECT_EQ(pod["spec"]["terminationGracePeriodSeconds"], 30);
  EXPECT_EQ(pod["spec"]["restartPolicy"], "Always");
  EXPECT_EQ(pod["spec"]["serviceAccountName"], "default");
  EXPECT_EQ(pod["status"]["phase"], "Pending");
}

TEST(ClusterManifest, TakesTheContainerNamedLikeThePod) {
  auto pod = script_pod("p", "true");
  auto& containers = pod["spec"]["containers"];
  containers.insert(containers.begin(),
                    nlohmann::json{{"name", "side"}, {"image", "i"}});
  EXPECT_EQ(script_container(pod)["name"], "p");
  pod["metadata"]["name"] = "q";
  EXPECT_EQ(script_container(pod)["name"], "side");
}

TEST(ClusterManifest, ExpandsVariablesLikeAKubelet) {
  std::map<std::string, std::string> env{{"HOME", "/h"}};
  EXPECT_EQ(expand("$(HOME)/x", env), "/h/x");
  EXPECT_EQ(expand("$(NONE) $HOME ${HOME}", env), "$(NONE) $HOME ${HOME}");
  EXPECT_EQ(expand("$$(HOME)", env), "$(HOME)");
  EXPECT_EQ(expand("open $(HOME", env), "open $(HOME");
  EXPECT_EQ(expand("end $", env), "end $");
}

} // namespace
