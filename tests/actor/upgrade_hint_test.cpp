// Lines as helm 3.17 prints them.
#include <gtest/gtest.h>
#include <string>

#include "actors/upgrade_hint.hpp"

namespace cuttle {

namespace {

const std::string account
  = "User \"system:serviceaccount:shop:octopus-agent-auto-upgrader\" ";

const std::string read_only
  = "Error: UPGRADE FAILED: create: failed to create: secrets is forbidden: "
    + account
    + "cannot create resource \"secrets\" in API group \"\" in the namespace "
      "\"shop\"";

const std::string foreign
  = "Error: UPGRADE FAILED: Unable to continue with update: could not get "
    "information about the resource ClusterRole \"x\" in namespace \"\": "
    "clusterroles.rbac.authorization.k8s.io \"x\" is forbidden: "
    + account
    + "cannot get resource \"clusterroles\" in API group "
      "\"rbac.authorization.k8s.io\" at the cluster scope";

} // namespace

TEST(UpgradeHint, NamesTheRightThatIsMissing_UPG04) {
  EXPECT_NE(upgrade_hint(read_only).find("cuttle.autoUpgrader.rights"),
            std::string::npos);
}

TEST(UpgradeHint, NamesTheChartThatThisIsNot_UPG04) {
  EXPECT_NE(upgrade_hint(foreign).find("kubernetes-worker"), std::string::npos);
}

TEST(UpgradeHint, SaysNothingAboutAnythingElse_UPG04) {
  auto replaced
    = [](std::string text, const std::string& what, const std::string& with) {
        return text.replace(text.find(what), what.size(), with);
      };
  for (auto& line : {
         std::string{},
         std::string{"Error: UPGRADE FAILED: another operation is in progress"},
         // A health check that looks at nodes.
         "Error from server (Forbidden): nodes is forbidden: " + account
           + "cannot list resource \"nodes\" at the cluster scope",
         // Somebody's own helm upgrade in a script.
         replaced(read_only, "octopus-agent-auto-upgrader",
                  "octopus-agent-scripts"),
         // Halfway: that nothing was changed would be untrue.
         replaced(foreign, "Unable to continue with update", "cannot patch"),
         replaced(read_only, "create: failed to create: secrets",
                  "cannot patch \"x\": deployments.apps \"x\""),
         foreign + std::string(5'000, 'x'),
       })
    EXPECT_TRUE(upgrade_hint(line).empty()) << line;
}

} // namespace cuttle
