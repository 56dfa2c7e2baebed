#include <gtest/gtest.h>

#include "infra/kubernetes/manifest.hpp"

using namespace cuttle;
using namespace cuttle::kubernetes;

namespace {

const std::string tools = "octopusdeploy/kubernetes-agent-tools-base:";

std::string tools_image(int major, int minor) {
  return choose_image({}, {}, cluster_version{major, minor, {}});
}

} // namespace

TEST(ChooseImage, PrefersTheImageOfTheCommand_IMG01_SVC20) {
  script_pod_settings settings;
  settings.image.emplace("octopusdeploy/worker-tools");
  settings.image_tag = "ubuntu.24.04";
  start_script command;
  command.image = pod_image{"mine:1", {}, {}, {}};
  EXPECT_EQ(choose_image(settings, command, {}), "mine:1");
}

TEST(ChooseImage, FallsBackToTheConfiguredImage_IMG01_IMG02) {
  script_pod_settings settings;
  settings.image.emplace("octopusdeploy/worker-tools");
  start_script command;
  EXPECT_EQ(choose_image(settings, command, {}),
            "octopusdeploy/worker-tools:latest");
  settings.image_tag = "ubuntu.24.04";
  command.image = pod_image{};
  EXPECT_EQ(choose_image(settings, command, {}),
            "octopusdeploy/worker-tools:ubuntu.24.04");
  command.image->image = " ";
  EXPECT_EQ(choose_image(settings, command, {}),
            "octopusdeploy/worker-tools:ubuntu.24.04");
}

TEST(ChooseImage, FallsBackToTheToolsOfTheClustersVersion_IMG03_IMG05) {
  EXPECT_EQ(tools_image(1, 25), tools + "latest");
  for (int minor = 26; minor <= 36; ++minor)
    EXPECT_EQ(tools_image(1, minor), tools + "1." + std::to_string(minor));
  EXPECT_EQ(tools_image(1, 37), tools + "latest");
  EXPECT_EQ(tools_image(2, 30), tools + "latest");
  EXPECT_EQ(choose_image({}, {}, {}), tools + "latest");
}

TEST(ClusterVersion, OrdersByMajorThenMinor_IMG06) {
  EXPECT_LT((cluster_version{1, 30, {}}), (cluster_version{1, 31, {}}));
  EXPECT_LT((cluster_version{1, 99, {}}), (cluster_version{2, 0, {}}));
  EXPECT_EQ((cluster_version{1, 30, "a"}), (cluster_version{1, 30, "b"}));
}
