#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_pod.hpp"

using namespace cuttle;
using namespace cuttle::kubernetes;
using namespace cuttle::kubernetes::test;
using nlohmann::json;
using testing::Contains;
using testing::IsEmpty;
namespace fs = std::filesystem;

namespace {

start_script raw_command() {
  auto result = command_of("AbC123");
  result.raw = true;
  return result;
}

json names_of(const json& list) {
  auto result = json::array();
  for (auto& x : list)
    result.push_back(x["name"]);
  return result;
}

/// A pod with a Calamari image on a cluster of that version.
script_pod_manifest with_calamari(script_pod_settings settings,
                                  std::optional<cluster_version> version,
                                  bool raw = false) {
  settings.calamari_image_volume = true;
  auto command = command_of("AbC123");
  command.raw = raw;
  command.calamari = calamari_image{"Calamari.Kubernetes", "28.1.0"};
  auto in = input();
  in.version = version;
  return make_script_pod(settings, command, in);
}

} // namespace

TEST(RawPod, HasAHomeOfItsOwnAndTheVolumeInTheInitContainerOnly_RAW01) {
  auto spec = pod_of(chart_settings(), raw_command())["spec"];
  EXPECT_EQ(spec["volumes"], json::parse(R"([
    {"name":"tentacle-home","emptyDir":{}},
    {"name":"init-nfs-volume",
     "persistentVolumeClaim":{"claimName":"worker-pvc"}},
    {"name":"agent-upgrade","secret":{
      "secretName":"agent-upgrade-secret","optional":true,
      "items":[{"key":".dockerconfigjson","path":"config.json"}]}}])"));
  for (auto& mount : spec["containers"][0]["volumeMounts"])
    EXPECT_NE(mount["name"], "init-nfs-volume");
  EXPECT_THAT(spec["initContainers"][0]["volumeMounts"],
              Contains(json::parse(
                R"({"mountPath":"/nfs-mount","name":"init-nfs-volume"})")));
}

TEST(RawPod, HasAnInitContainerWithTheScriptsImageAndPolicy_RAW02_IMG07) {
  auto settings = chart_settings();
  settings.pull_policy = "Always";
  settings.resources_json = R"({"requests":{"cpu":"4"}})";
  auto init = pod_of(settings, raw_command())["spec"]["initContainers"];
  ASSERT_EQ(init.size(), 1u);
  EXPECT_EQ(init[0]["name"], "octopus-script-abc123-init");
  EXPECT_EQ(init[0]["image"], "image:1");
  EXPECT_EQ(init[0]["imagePullPolicy"], "Always");
  EXPECT_EQ(init[0]["resources"],
            json::parse(R"({"requests":{"cpu":"25m","memory":"100Mi"}})"));
  EXPECT_EQ(init[0]["command"][0], "sh");
  EXPECT_EQ(init[0]["command"][1], "-c");
}

TEST(RawPod, CopiesTheWorkspaceButNoDotFiles_RAW02) {
  auto init
    = pod_of(chart_settings(), raw_command())["spec"]["initContainers"][0];
  auto script = init["command"][2].get<std::string>();
  auto root = fs::path{testing::TempDir()} / "cuttle raw 'pod'";
  fs::remove_all(root);
  auto from = root / "nfs" / "Work" / "AbC123";
  fs::create_directories(from / "deep");
  for (auto& file : {from / "Bootstrap.sh", from / "deep/x", from / ".hidden"})
    std::ofstream{file} << file.filename().string();
  fs::permissions(from / "Bootstrap.sh", fs::perms::owner_all);
  // The same command, with other folders in the place of the absolute ones.
  auto quoted = [](const fs::path& path) {
    std::string result;
    for (auto c : path.string())
      result += c == '\'' ? std::string{"'\\''"} : std::string{c};
    return result;
  };
  for (auto& [old, now] : {std::pair{std::string{"'/nfs-mount"}, root / "nfs"},
                           std::pair{std::string{"'/octopus"}, root / "home"}})
    for (std::size_t i = 0; (i = script.find(old, i)) != std::string::npos;
         i += quoted(now).size())
      script.replace(i, old.size(), "'" + quoted(now));
  setenv("CUTTLE_TEST_SCRIPT", script.c_str(), 1);
  ASSERT_EQ(std::system("sh -c \"$CUTTLE_TEST_SCRIPT\""), 0) << script;
  auto to = root / "home" / "Work" / "AbC123";
  EXPECT_TRUE(fs::exists(to / "deep" / "x"));
  EXPECT_FALSE(fs::exists(to / ".hidden"));
  EXPECT_NE(fs::status(to / "Bootstrap.sh").permissions()
              & fs::perms::owner_exec,
            fs::perms::none);
  fs::remove_all(root);
}

TEST(RawPod, HasNoWatchdogAndNoCalamariAndElseTheSame_RAW03_POD25) {
  auto settings = chart_settings();
  settings.nfs_watchdog_image = "octopusdeploy/nfs-watchdog:0.2.0";
  auto usual = pod_of(settings, command_of("AbC123"));
  EXPECT_EQ(names_of(usual["spec"]["containers"]),
            json::parse(R"(["octopus-script-abc123","nfs-watchdog"])"));
  auto raw = pod_of(settings, raw_command());
  EXPECT_EQ(names_of(raw["spec"]["containers"]),
            json::parse(R"(["octopus-script-abc123"])"));
  EXPECT_EQ(raw["spec"]["containers"][0], usual["spec"]["containers"][0]);
  EXPECT_EQ(raw["metadata"], usual["metadata"]);
  auto calamari = json::parse(
    with_calamari(settings, cluster_version{1, 36, {}}, true).json);
  EXPECT_EQ(calamari, raw);
}

TEST(NfsWatchdog, HasNoPolicyNoTimesAndNoPrivileges_POD25) {
  auto settings = chart_settings();
  settings.pull_policy = "Always";
  settings.nfs_watchdog_image = "octopusdeploy/nfs-watchdog:0.2.0";
  auto sidecar = pod_of(settings, command_of("t"))["spec"]["containers"][1];
  EXPECT_EQ(sidecar, json::parse(R"({
    "name":"nfs-watchdog","image":"octopusdeploy/nfs-watchdog:0.2.0",
    "env":[{"name":"watchdog_directory","value":"/octopus"}],
    "resources":{"requests":{"cpu":"25m","memory":"100Mi"}},
    "volumeMounts":[{"mountPath":"/octopus","name":"tentacle-home"}]})"));
}

TEST(CalamariImage, IsMountedWhereTheClusterCan_POD20) {
  auto manifest = with_calamari(chart_settings(), cluster_version{1, 35, {}});
  auto spec = json::parse(manifest.json)["spec"];
  EXPECT_THAT(spec["volumes"], Contains(json::parse(R"({"name":"calamari",
    "image":{"reference":"octopusdeploy/calamari.kubernetes:28.1.0",
             "pullPolicy":"IfNotPresent"}})")));
  auto& container = spec["containers"][0];
  EXPECT_EQ(container["volumeMounts"].back(),
            json::parse(R"({"mountPath":"/calamari","name":"calamari"})"));
  EXPECT_EQ(container["env"].back(),
            json::parse(
              R"({"name":"CalamariImageDirectoryPath","value":"/calamari"})"));
  EXPECT_THAT(manifest.notes, testing::ElementsAre(
                                "Calamari image volume enabled. Image: "
                                "'octopusdeploy/calamari.kubernetes:28.1.0'"));
  EXPECT_EQ(manifest.calamari_warning, "");
}

TEST(CalamariImage, HasTheRepositoryAndPolicyOfTheSettings_POD20) {
  auto settings = chart_settings();
  settings.calamari_repository = "registry.local/octo";
  settings.calamari_pull_policy = "Always";
  auto spec = json::parse(
    with_calamari(settings, cluster_version{2, 0, {}}).json)["spec"];
  EXPECT_EQ(spec["volumes"].back()["image"], json::parse(R"({
    "reference":"registry.local/octo/calamari.kubernetes:28.1.0",
    "pullPolicy":"Always"})"));
}

TEST(CalamariImage, IsLeftOutWithAWarningOnOlderClusters_POD21) {
  auto plain = pod_of(chart_settings(), command_of("AbC123"));
  auto manifest = with_calamari(chart_settings(), cluster_version{1, 34, {}});
  EXPECT_EQ(json::parse(manifest.json), plain);
  EXPECT_THAT(manifest.notes, IsEmpty());
  EXPECT_EQ(manifest.calamari_warning,
            "The ImageVolume feature gate is required to use the Calamari "
            "Image Volume feature. This is enabled by default in Kubernetes "
            "1.35 and newer. The current cluster version is 1.34.");
}

TEST(CalamariImage, IsNotUsedUnlessEnabledAndNamed_POD20) {
  auto plain = pod_of(chart_settings(), command_of("AbC123"));
  auto in = input();
  in.version = cluster_version{1, 36, {}};
  auto command = command_of("AbC123");
  command.calamari = calamari_image{"Calamari", "1"};
  EXPECT_EQ(json::parse(make_script_pod(chart_settings(), command, in).json),
            plain);
  auto settings = chart_settings();
  settings.calamari_image_volume = true;
  EXPECT_EQ(
    json::parse(make_script_pod(settings, command_of("AbC123"), in).json),
    plain);
}
