#include <array>
#include <cstdio>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sample_pod.hpp"
#include "tests/folders.hpp"

using namespace cuttle;
using namespace cuttle::kubernetes;
using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using namespace cuttle::kubernetes::test;

namespace {

std::string golden(const std::string& name) {
  std::ifstream file{tests_folder() + "/unit/kubernetes/golden/" + name};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Words that a real shell makes of a command line.
std::vector<std::string> words_of(const std::string& line) {
  auto script = "for w in " + line + "; do printf '%s\\001' \"$w\"; done";
  setenv("CUTTLE_TEST_SCRIPT", script.c_str(), 1);
  auto pipe = popen("sh -c \"$CUTTLE_TEST_SCRIPT\"", "r");
  std::string out;
  std::array<char, 4096> buffer{};
  size_t n = 0;
  while ((n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0)
    out.append(buffer.data(), n);
  pclose(pipe);
  std::vector<std::string> result;
  std::istringstream words{out};
  for (std::string word; std::getline(words, word, '\1');)
    result.push_back(word);
  return result;
}

} // namespace

TEST(ScriptPodName, IsLowerCasedAndCut_POD01) {
  EXPECT_EQ(script_pod_name({"AbC123"}), "octopus-script-abc123");
  auto name = script_pod_name({std::string(80, 'X')});
  EXPECT_EQ(name.size(), 63u);
  EXPECT_EQ(name, "octopus-script-" + std::string(48, 'x'));
}

TEST(ScriptPod,
     MatchesTheGoldenFileWithEverySetting_POD03_POD07_POD14_POD22_POD24_POD26) {
  auto settings = chart_settings();
  settings.pull_policy = "IfNotPresent";
  settings.proxies_secret = "scripts-proxies";
  settings.image_pull_secrets = {"one", "two"};
  settings.resources_json = R"({"requests":{"cpu":"1","memory":"1Gi"}})";
  settings.tolerations_json = R"([{"key":"a","operator":"Exists"}])";
  settings.security_context_json = R"({"runAsUser":1000})";
  settings.annotations_json = R"({"a/b":"c"})";
  settings.labels_json = R"({"team":"x"})";
  settings.access_modes_json = R"(["ReadWriteOnce"])";
  settings.nfs_watchdog_image = "octopusdeploy/nfs-watchdog:0.2.0";
  auto command = command_of("AbC123");
  command.arguments = {"plain", "it's $HOME"};
  command.platform = "linux-x64";
  command.auth = auth_context{"default", "guestbook", "Default Group",
                              "dev-a",   "t1",        "deploy"};
  auto in = input();
  in.feed_secret = "octopus-feed-cred-x";
  auto pod = make_script_pod(settings, command, in);
  EXPECT_EQ(pod.name, "octopus-script-abc123");
  EXPECT_EQ(json::parse(pod.json).dump(2),
            json::parse(golden("pod-full.json")).dump(2));
}

TEST(ScriptPod, MatchesTheGoldenFileWithChartDefaults_POD08_POD12_POD14_LIM07) {
  auto pod = make_script_pod(chart_settings(), command_of("AbC123"), input());
  EXPECT_EQ(json::parse(pod.json).dump(2),
            json::parse(golden("pod-default.json")).dump(2));
  EXPECT_THAT(pod.notes, IsEmpty());
}

TEST(ScriptPod, GoesWithItsOwner) {
  auto settings = chart_settings();
  auto owners = [&] {
    auto pod = make_script_pod(settings, command_of("AbC123"), input());
    return json::parse(pod.json)["metadata"].value("ownerReferences", json{});
  };
  EXPECT_TRUE(owners().is_null());
  settings.owner = owner_reference{"tentacle-config", "u-1"};
  // (no controller, and nothing that holds up who deletes the owner)
  EXPECT_EQ(owners(), json::parse(R"([{"apiVersion":"v1","kind":"ConfigMap",
                                       "name":"tentacle-config","uid":"u-1"}])"));
}

TEST(ScriptPod, HashesTheSlugsOfTheAuthContext_POD04_SVC20) {
  auto command = command_of("t");
  command.auth = auth_context{"default", "guestbook", {}, "dev-a", {}, "s"};
  auto metadata = pod_of(chart_settings(), command)["metadata"];
  auto& labels = metadata["labels"];
  EXPECT_EQ(labels["agent.octopus.com/space"],
            "7505D64A54E061B7ACD54CCD58B49DC43500B635");
  EXPECT_EQ(labels["agent.octopus.com/project"],
            "D0AF7B913CFC97DC7B5CF85099D2FEC21CAFE142");
  EXPECT_EQ(labels["agent.octopus.com/environment"],
            "A130C279151398B6631FBA5055A0ADB42E84812F");
  EXPECT_FALSE(labels.contains("agent.octopus.com/project-group"));
  EXPECT_FALSE(labels.contains("agent.octopus.com/tenant"));
  auto& annotations = metadata["annotations"];
  EXPECT_EQ(annotations["agent.octopus.com/space"], "default");
  EXPECT_EQ(annotations["agent.octopus.com/environment"], "dev-a");
  EXPECT_EQ(annotations["agent.octopus.com/step"], "s");
}

TEST(ScriptPod, HasNoAuthLabelsWithoutAContext_POD03_POD04) {
  auto metadata = pod_of(chart_settings(), command_of("AbC"))["metadata"];
  EXPECT_EQ(metadata["labels"],
            (json{{"octopus.com/serverTaskId", "ServerTasks-123"},
                  {"octopus.com/scriptTicketId", "AbC"},
                  {"agent.octopus.com/permissions", "enabled"},
                  {"app.kubernetes.io/managed-by", "Helm"}}));
  EXPECT_EQ(metadata["annotations"].size(), 2u);
}

TEST(ScriptPod, LetsItsOwnKeysWinAndSaysSo_POD05_POD06_RBAC03) {
  auto settings = chart_settings();
  settings.labels_json
    = R"({"octopus.com/scriptTicketId":"evil","app.kubernetes.io/managed-by":"x",
          "agent.octopus.com/permissions":"off","mine":"1"})";
  settings.annotations_json = R"({"meta.helm.sh/release-name":"other"})";
  auto pod = make_script_pod(settings, command_of("AbC"), input());
  auto metadata = json::parse(pod.json)["metadata"];
  EXPECT_EQ(metadata["labels"]["octopus.com/scriptTicketId"], "AbC");
  EXPECT_EQ(metadata["labels"]["agent.octopus.com/permissions"], "enabled");
  EXPECT_EQ(metadata["labels"]["app.kubernetes.io/managed-by"], "Helm");
  EXPECT_EQ(metadata["labels"]["mine"], "1");
  EXPECT_EQ(metadata["annotations"]["meta.helm.sh/release-name"], "my-worker");
  EXPECT_EQ(pod.notes.size(), 2u);
  EXPECT_THAT(pod.notes[0], testing::HasSubstr("octopus.com/scriptTicketId"));
}

TEST(ScriptPod, TakesTheServiceAccountOfTheCommandUnlessBlank_POD09_SVC20) {
  auto command = command_of("t");
  auto account = [&] {
    return pod_of(chart_settings(), command)["spec"]["serviceAccountName"];
  };
  EXPECT_EQ(account(), "worker-scripts");
  command.service_account = "  ";
  EXPECT_EQ(account(), "worker-scripts");
  command.service_account = "special";
  EXPECT_EQ(account(), "special");
}

TEST(ScriptPod, ListsTheFeedSecretFirst_POD10_SEC06_SVC20) {
  auto settings = chart_settings();
  settings.image_pull_secrets = {"a", "b"};
  auto in = input();
  in.feed_secret = "feed";
  auto pod = json::parse(make_script_pod(settings, command_of("t"), in).json);
  EXPECT_EQ(pod["spec"]["imagePullSecrets"],
            json::parse(R"([{"name":"feed"},{"name":"a"},{"name":"b"}])"));
}

TEST(ScriptPod, QuotesEachWordSoThatAShellChangesNothing_POD11) {
  auto settings = chart_settings();
  auto command = command_of("AbC");
  command.arguments
    = {"plain", "two words", "$HOME `id` \\ \"q\"", "it's", "", "$(id)", "a\nb",
       "*",     "; rm x"};
  auto args = pod_of(settings, command)["spec"]["containers"][0]["args"];
  ASSERT_EQ(args.size(), 2u);
  EXPECT_EQ(args[0], "-c");
  auto line = args[1].get<std::string>();
  // Kubernetes turns $$ into $ before the shell sees the line.
  if (auto i = line.find("$$("); i != std::string::npos)
    line.erase(i, 1);
  else
    ADD_FAILURE() << "$(id) would be replaced by Kubernetes";
  EXPECT_THAT(words_of(line),
              ElementsAre("exec",
                          "/octopus/Work/AbC/execute-bootstrapRunner.sh",
                          "/octopus/Work/AbC", "/octopus/Work/AbC/Bootstrap.sh",
                          "plain", "two words", "$HOME `id` \\ \"q\"", "it's",
                          "", "$(id)", "a\nb", "*", "; rm x"));
}

TEST(ScriptPod, QuotesPlainArgumentsInTheSimpleWay_POD11) {
  auto command = command_of("AbC");
  command.arguments = {"a"};
  auto args
    = pod_of(chart_settings(), command)["spec"]["containers"][0]["args"];
  EXPECT_EQ(args[1], "exec '/octopus/Work/AbC/execute-bootstrapRunner.sh' "
                     "'/octopus/Work/AbC' '/octopus/Work/AbC/Bootstrap.sh' "
                     "'a'");
}

TEST(ScriptPod, ReplacesTheWholeResources_POD12) {
  auto settings = chart_settings();
  settings.resources_json = R"({"limits":{"cpu":2}})";
  auto resources
    = pod_of(settings, command_of("t"))["spec"]["containers"][0]["resources"];
  EXPECT_EQ(resources, json::parse(R"({"limits":{"cpu":2}})"));
  settings.resources_json = " ";
  resources
    = pod_of(settings, command_of("t"))["spec"]["containers"][0]["resources"];
  EXPECT_EQ(resources,
            json::parse(R"({"requests":{"cpu":"25m","memory":"100Mi"}})"));
}

TEST(ScriptPod, GoesOnWithDefaultsWhenASettingDoesNotParse_POD13) {
  struct row {
    std::optional<std::string> script_pod_settings::*member;
    std::string variable;
    std::string description;
    std::string fallback;
    std::string wrong_type;
  };
  const row rows[] = {
    {&script_pod_settings::resources_json, "PODRESOURCEJSON",
     "pod resource requirements", "default", R"({"requests":[]})"},
    {&script_pod_settings::affinity_json, "PODAFFINITYJSON", "pod affinity",
     "default", R"({"nodeAffinity":[]})"},
    {&script_pod_settings::tolerations_json, "PODTOLERATIONSJSON",
     "pod tolerations", "no custom", R"(["a"])"},
    {&script_pod_settings::security_context_json, "PODSECURITYCONTEXTJSON",
     "pod security context", "no custom", "[]"},
    {&script_pod_settings::annotations_json, "PODANNOTATIONSJSON",
     "pod annotations", "no custom", R"({"a":1})"},
    {&script_pod_settings::labels_json, "PODLABELSJSON", "pod labels",
     "no custom", R"(["a"])"},
  };
  auto expected = pod_of(chart_settings(), command_of("t"));
  for (auto& row : rows)
    for (auto& text : {std::string{"{nonsense"}, row.wrong_type}) {
      auto settings = chart_settings();
      settings.*row.member = text;
      EXPECT_EQ(pod_of(settings, command_of("t")), expected);
      EXPECT_THAT(notes_of(settings, command_of("t")),
                  ElementsAre("Failed to deserialize env.OCTOPUS__K8STENTACLE__"
                                + row.variable + " into a valid "
                                + row.description + ".",
                              "JSON value: " + text,
                              "Using " + row.fallback + " " + row.description
                                + " for script pods."));
    }
}

TEST(ScriptPod, GivesEveryContainerTheConfiguredSecurityContext) {
  auto settings = chart_settings();
  settings.nfs_watchdog_image = "watchdog:1";
  settings.container_security_context_json
    = R"({"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}})";
  auto spec = pod_of(settings, command_of("t"))["spec"];
  ASSERT_EQ(spec["containers"].size(), 2u);
  for (auto& container : spec["containers"])
    EXPECT_EQ(container["securityContext"],
              json::parse(*settings.container_security_context_json));
  EXPECT_FALSE(spec.contains("securityContext"));
}

TEST(ScriptPod, SaysThatAContainerSecurityContextCanNotBeUsed) {
  auto settings = chart_settings();
  settings.container_security_context_json = "[]";
  EXPECT_EQ(pod_of(settings, command_of("t")),
            pod_of(chart_settings(), command_of("t")));
  EXPECT_THAT(notes_of(settings, command_of("t")), Contains("JSON value: []"));
}

TEST(ScriptPod, StaysOnTheNodeOfAVolumeForOneNode_POD15) {
  auto settings = chart_settings();
  settings.access_modes_json = R"(["readWRITEonce"])";
  settings.affinity_json
    = R"({"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":)"
      R"([{"topologyKey":"zone"}]}})";
  auto terms = pod_of(
    settings, command_of("t"))["spec"]["affinity"]["podAffinity"][required];
  ASSERT_EQ(terms.size(), 2u);
  EXPECT_EQ(terms[0]["topologyKey"], "zone");
  EXPECT_EQ(terms[1], json::parse(R"({
    "labelSelector":{"matchExpressions":[
      {"key":"app.kubernetes.io/instance","operator":"In",
       "values":["my-worker"]},
      {"key":"agent.octopus.com/component","operator":"In",
       "values":["tentacle"]}]},
    "topologyKey":"kubernetes.io/hostname"})"));
  EXPECT_THAT(
    notes_of(settings, command_of("t")),
    ElementsAre("Tentacle access modes: [\"readWRITEonce\"]",
                "Access mode is 'ReadWriteOnce'. Adding podAffinity to "
                "co-locate script pod with tentacle pod on the same node."));
}

TEST(ScriptPod, IsFreeInOtherAccessModes_POD15) {
  for (auto modes : {R"(["ReadWriteOnce","ReadWriteMany"])",
                     R"(["ReadWriteOncePod"])", R"(["ReadWriteMany"])", "[]"}) {
    auto settings = chart_settings();
    settings.access_modes_json = modes;
    EXPECT_FALSE(pod_of(settings, command_of("t"))["spec"]["affinity"].contains(
      "podAffinity"));
    EXPECT_THAT(notes_of(settings, command_of("t")),
                ElementsAre(std::string("Tentacle access modes: ") + modes));
  }
}

TEST(ScriptPod, RunsWithAccessModesThatDoNotParse_POD16) {
  for (auto modes : {"nonsense", "{}", "[1]", "\"ReadWriteOnce\""}) {
    auto settings = chart_settings();
    settings.access_modes_json = modes;
    EXPECT_FALSE(pod_of(settings, command_of("t"))["spec"]["affinity"].contains(
      "podAffinity"));
    EXPECT_EQ(notes_of(settings, command_of("t")).size(), 2u) << modes;
  }
}

TEST(ScriptPod, ReplacesTheRequiredNodeAffinityByThePlatform_POD17) {
  auto settings = chart_settings();
  settings.affinity_json
    = R"({"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":)"
      R"({"nodeSelectorTerms":[{"matchFields":[]}]},)"
      R"("preferredDuringSchedulingIgnoredDuringExecution":[{"weight":1}]},)"
      R"("podAffinity":{"a":1}})";
  auto command = command_of("t");
  command.platform = "linux-arm64";
  auto affinity = pod_of(settings, command)["spec"]["affinity"];
  EXPECT_EQ(affinity["nodeAffinity"][required], json::parse(R"({
    "nodeSelectorTerms":[{"matchExpressions":[
      {"key":"kubernetes.io/os","operator":"In","values":["linux"]},
      {"key":"kubernetes.io/arch","operator":"In","values":["arm64"]}]}]})"));
  EXPECT_EQ(affinity["nodeAffinity"][preferred],
            json::parse(R"([{"weight":1}])"));
  EXPECT_EQ(affinity["podAffinity"], json::parse(R"({"a":1})"));
  EXPECT_THAT(notes_of(settings, command),
              ElementsAre("Adding node affinity for platform 'linux-arm64'."));
}

TEST(ScriptPod, ReadsX64AsAmd64_POD18_SVC20) {
  auto command = command_of("t");
  command.platform = "linux-X64";
  EXPECT_THAT(notes_of(chart_settings(), command),
              ElementsAre("Adding node affinity for platform 'linux-amd64'."));
  auto text = pod_of(chart_settings(), command)["spec"]["affinity"].dump();
  EXPECT_NE(text.find("[\"amd64\"]"), std::string::npos);
}

TEST(ScriptPod, KeepsTheAffinityWithAnInvalidPlatform_POD19) {
  auto expected = pod_of(chart_settings(), command_of("t"));
  for (std::string platform : {"linux", "linux-arm-64", "-", "linux-"}) {
    auto command = command_of("t");
    command.platform = platform;
    EXPECT_EQ(pod_of(chart_settings(), command), expected);
    EXPECT_THAT(notes_of(chart_settings(), command),
                ElementsAre("Invalid platform affinity '" + platform
                            + "'. Expected format: '<os>-<arch>'."));
  }
}

TEST(ScriptPod, TellsAboutAffinityBeforeFallbacks_POD26) {
  auto settings = chart_settings();
  settings.resources_json = "?";
  settings.access_modes_json = "[]";
  auto command = command_of("t");
  command.platform = "linux-arm64";
  auto notes = notes_of(settings, command);
  ASSERT_EQ(notes.size(), 5u);
  EXPECT_EQ(notes[0], "Tentacle access modes: []");
  EXPECT_EQ(notes[1], "Adding node affinity for platform 'linux-arm64'.");
  EXPECT_EQ(notes[3], "JSON value: ?");
}

TEST(ScriptPod, StaysValidJsonWithBytesThatAreNoUtf8) {
  auto command = command_of("t");
  command.arguments = {"\xff\xfe"};
  EXPECT_FALSE(pod_of(chart_settings(), command).is_discarded());
}
