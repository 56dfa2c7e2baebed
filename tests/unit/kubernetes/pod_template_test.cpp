#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "infra/kubernetes/pod_template.hpp"
#include "sample_pod.hpp"

using namespace cuttle;
using namespace cuttle::kubernetes;
using namespace cuttle::kubernetes::test;
using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace {

json pod_from(const script_pod_settings& settings, const start_script& command,
              const pod_template& base) {
  auto in = input();
  in.base = base;
  return json::parse(make_script_pod(settings, command, in).json);
}

pod_template full_template() {
  pod_template result;
  result.labels = R"({"team":"a","both":"template"})";
  result.annotations = R"({"note":"x"})";
  result.pod_spec = R"({
    "restartPolicy":"Always","nodeSelector":{"pool":"ci"},
    "serviceAccountName":"other","serviceAccount":"other",
    "priorityClassName":"low",
    "containers":[{"name":"dropped"}],"initContainers":[{"name":"dropped"}],
    "imagePullSecrets":[{"name":"of-template"}],
    "volumes":[{"name":"cache","emptyDir":{}},
               {"name":"tentacle-home","hostPath":{"path":"/etc"}}],
    "affinity":{"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":
      [{"weight":1}]}}})";
  result.script_container = R"({
    "name":"x","image":"dropped","command":["dropped"],"args":["dropped"],
    "resources":{"limits":{"cpu":"2"}},
    "env":[{"name":"A","value":"b"}],
    "volumeMounts":[{"mountPath":"/cache","name":"cache"}],
    "securityContext":{"runAsUser":1}})";
  result.watchdog_container = R"({"resources":{"limits":{"cpu":"1"}}})";
  return result;
}

} // namespace

TEST(PodTemplate, IsTheOldestCustomResource_TPL01) {
  auto found = template_of_resources(R"({"items":[
    {"metadata":{"name":"young","creationTimestamp":"2026-02-01T00:00:00Z"},
     "spec":{"podSpec":{"nodeSelector":{"a":"young"}}}},
    {"metadata":{"name":"old","creationTimestamp":"2026-01-01T00:00:00Z"},
     "spec":{"podMetadata":{"labels":{"l":"1"},"annotations":{"a":"2"}},
             "podSpec":{"nodeSelector":{"a":"old"}},
             "scriptContainerSpec":{"tty":true},
             "watchdogContainerSpec":{"stdin":true}}}]})");
  ASSERT_TRUE(found);
  ASSERT_TRUE(*found);
  EXPECT_EQ((*found)->source, "ScriptPodTemplate 'old'");
  EXPECT_EQ((*found)->labels, R"({"l":"1"})");
  EXPECT_EQ((*found)->annotations, R"({"a":"2"})");
  EXPECT_EQ((*found)->pod_spec, R"({"nodeSelector":{"a":"old"}})");
  EXPECT_EQ((*found)->script_container, R"({"tty":true})");
  EXPECT_EQ((*found)->watchdog_container, R"({"stdin":true})");
}

TEST(PodTemplate, IsTheOldestDeploymentWithItsTwoContainers_TPL01) {
  auto found = template_of_deployments(R"({"items":[
    {"metadata":{"name":"d","creationTimestamp":"2026-01-01T00:00:00Z"},
     "spec":{"replicas":0,"template":{
       "metadata":{"labels":{"l":"1"}},
       "spec":{"nodeSelector":{"a":"b"},"containers":[
         {"name":"watchdog-template","stdin":true},
         {"name":"other"},
         {"name":"script-template","tty":true}]}}}}]})");
  ASSERT_TRUE(found);
  ASSERT_TRUE(*found);
  EXPECT_EQ((*found)->source, "deployment 'd'");
  EXPECT_EQ((*found)->labels, R"({"l":"1"})");
  EXPECT_THAT((*found)->pod_spec, HasSubstr("nodeSelector"));
  EXPECT_EQ(json::parse((*found)->script_container)["tty"], true);
  EXPECT_EQ(json::parse((*found)->watchdog_container)["stdin"], true);
}

TEST(PodTemplate, IsNoneInAnEmptyListAndAFailureInWhatIsNone_TPL02) {
  for (auto read : {template_of_resources, template_of_deployments}) {
    auto none = read(R"({"items":[]})");
    ASSERT_TRUE(none);
    EXPECT_FALSE(*none);
    for (auto text : {"", "[]", "{}", R"({"items":1})", "{\"items\":["})
      EXPECT_FALSE(read(text)) << text;
    // What is in the list is somebody's: it may have any shape.
    EXPECT_TRUE(read(R"({"items":[1,{"metadata":7,"spec":[]}]})"));
  }
}

TEST(PodTemplate, IsTheBaseOfThePod_TPL04) {
  auto settings = chart_settings();
  settings.image_pull_secrets = {"of-chart"};
  settings.nfs_watchdog_image = "dog:1";
  settings.proxies_secret = "scripts-proxies";
  auto pod = pod_from(settings, command_of("AbC"), full_template());
  auto& spec = pod["spec"];
  EXPECT_EQ(spec["nodeSelector"], json::parse(R"({"pool":"ci"})"));
  EXPECT_EQ(spec["priorityClassName"], "low");
  EXPECT_EQ(spec["serviceAccountName"], "worker-scripts");
  EXPECT_FALSE(spec.contains("serviceAccount"));
  EXPECT_FALSE(spec.contains("initContainers"));
  EXPECT_EQ(spec["imagePullSecrets"],
            json::parse(R"([{"name":"of-chart"},{"name":"of-template"}])"));
  ASSERT_EQ(spec["containers"].size(), 2u);
  auto& script = spec["containers"][0];
  EXPECT_EQ(script["name"], "octopus-script-abc");
  EXPECT_EQ(script["image"], "image:1");
  EXPECT_EQ(script["command"], json::parse(R"(["sh"])"));
  EXPECT_EQ(script["args"][0], "-c");
  EXPECT_EQ(script["securityContext"], json::parse(R"({"runAsUser":1})"));
  EXPECT_EQ(script["env"][0]["name"], "A");
  EXPECT_EQ(script["env"][1]["name"], "OCTOPUS__K8STENTACLE__NAMESPACE");
  EXPECT_EQ(script["volumeMounts"][0]["name"], "cache");
  EXPECT_EQ(script["volumeMounts"][1]["name"], "tentacle-home");
  EXPECT_EQ(script["envFrom"][0]["secretRef"]["name"], "scripts-proxies");
  auto& dog = spec["containers"][1];
  EXPECT_EQ(dog["name"], "nfs-watchdog");
  EXPECT_EQ(dog["resources"], json::parse(R"({"limits":{"cpu":"1"}})"));
  EXPECT_EQ(dog["env"][0]["name"], "watchdog_directory");
}

TEST(PodTemplate, AddsItsVolumesFirstAndNeverTakesTheWorkersPlace_TPL04) {
  auto volumes = pod_from(chart_settings(), command_of("AbC"),
                          full_template())["spec"]["volumes"];
  ASSERT_EQ(volumes.size(), 3u);
  EXPECT_EQ(volumes[0]["name"], "cache");
  EXPECT_EQ(volumes[1]["name"], "tentacle-home");
  EXPECT_TRUE(volumes[1].contains("persistentVolumeClaim"));
}

TEST(PodTemplate, IsTheBaseOfTheRawInitContainerToo_TPL04) {
  auto command = command_of("AbC");
  command.raw = true;
  auto init = pod_from(chart_settings(), command,
                       full_template())["spec"]["initContainers"][0];
  EXPECT_EQ(init["name"], "octopus-script-abc-init");
  EXPECT_EQ(init["image"], "image:1");
  EXPECT_FALSE(init.contains("args"));
  EXPECT_EQ(init["resources"], json::parse(R"({"limits":{"cpu":"2"}})"));
  EXPECT_EQ(init["env"], json::parse(R"([{"name":"A","value":"b"}])"));
}

TEST(PodTemplate, ReplacesSettingsButNotMetadata_TPL05) {
  auto settings = chart_settings();
  settings.affinity_json = R"({"podAffinity":{}})";
  settings.tolerations_json = R"([{"key":"a"}])";
  settings.security_context_json = R"({"runAsUser":7})";
  settings.resources_json = "nonsense that nobody reads";
  settings.labels_json = R"({"both":"setting"})";
  settings.annotations_json = R"({"more":"y"})";
  auto in = input();
  in.base = full_template();
  auto manifest = make_script_pod(settings, command_of("AbC"), in);
  auto pod = json::parse(manifest.json);
  auto& spec = pod["spec"];
  EXPECT_FALSE(spec["affinity"].contains("podAffinity"));
  EXPECT_TRUE(spec["affinity"].contains("nodeAffinity"));
  EXPECT_FALSE(spec.contains("tolerations"));
  EXPECT_FALSE(spec.contains("securityContext"));
  EXPECT_EQ(spec["containers"][0]["resources"],
            json::parse(R"({"limits":{"cpu":"2"}})"));
  auto& labels = pod["metadata"]["labels"];
  EXPECT_EQ(labels["team"], "a");
  EXPECT_EQ(labels["both"], "setting");
  EXPECT_EQ(labels["octopus.com/scriptTicketId"], "AbC");
  EXPECT_EQ(pod["metadata"]["annotations"]["note"], "x");
  EXPECT_EQ(pod["metadata"]["annotations"]["more"], "y");
  ASSERT_EQ(manifest.notes.size(), 1u);
  EXPECT_THAT(manifest.notes[0], HasSubstr("'both'"));
}

TEST(PodTemplate, HasNoDefaultRequestsWithAScriptContainer_TPL05) {
  pod_template base;
  base.script_container = R"({"tty":true})";
  auto spec = pod_from(chart_settings(), command_of("t"), base)["spec"];
  EXPECT_FALSE(spec["containers"][0].contains("resources"));
  // Without a spec of its own, the defaults for the pod hold.
  EXPECT_TRUE(spec["affinity"].contains("nodeAffinity"));
  pod_template only_spec;
  only_spec.pod_spec = R"({"nodeSelector":{"a":"b"}})";
  spec = pod_from(chart_settings(), command_of("t"), only_spec)["spec"];
  EXPECT_TRUE(spec["containers"][0].contains("resources"));
  EXPECT_FALSE(spec.contains("affinity"));
}

TEST(PodTemplate, StillGetsAccessModesAndPlatform_TPL06) {
  auto settings = chart_settings();
  settings.access_modes_json = R"(["ReadWriteOnce"])";
  auto command = command_of("t");
  command.platform = "linux-arm64";
  auto affinity
    = pod_from(settings, command, full_template())["spec"]["affinity"];
  EXPECT_EQ(affinity["podAffinity"][required].size(), 1u);
  EXPECT_EQ(affinity["nodeAffinity"][required]["nodeSelectorTerms"].size(), 1u);
  EXPECT_EQ(affinity["nodeAffinity"][preferred],
            json::parse(R"([{"weight":1}])"));
}

TEST(PodTemplate, NeverRunsAScriptTwice_TPL07_POD08) {
  for (auto policy : {R"({"restartPolicy":"Always"})",
                      R"({"restartPolicy":"OnFailure"})", R"({"a":1})"}) {
    pod_template base;
    base.pod_spec = policy;
    EXPECT_EQ(pod_from(chart_settings(), command_of("t"),
                       base)["spec"]["restartPolicy"],
              "Never");
  }
}

TEST(PodTemplate, OfNonsenseIsNoTemplate_TPL02) {
  pod_template base;
  base.pod_spec = "[]";
  base.script_container = "{";
  base.labels = "7";
  EXPECT_EQ(pod_from(chart_settings(), command_of("t"), base),
            pod_of(chart_settings(), command_of("t")));
}
