#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/chart/lookup.hpp"
#include "tests/folders.hpp"

namespace cuttle::test {

namespace {

std::string content(const std::string& path) {
  std::ifstream file{path};
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

// What the portal's command sets for a worker.
render_options portal() {
  render_options result;
  result.values
    = to_json(load_file(tests_folder() + "/chart/golden/portal-values.yaml"));
  return result;
}

// All options that go together.
render_options everything() {
  render_options result;
  result.values
    = to_json(load_file(tests_folder() + "/chart/golden/full-values.yaml"));
  return result;
}

std::string title(const json& object) {
  return object["kind"].get<std::string>() + "/"
         + object["metadata"]["name"].get<std::string>();
}

const json& containers(const json& spec, const char* kind) {
  static const auto none = json::array();
  auto found = spec.find(kind);
  return found == spec.end() ? none : *found;
}

bool has_wildcard(const json& object) {
  if (!object.contains("rules"))
    return false;
  for (auto& rule : object["rules"])
    for (auto& list : rule)
      for (auto& x : list)
        if (x == "*")
          return true;
  return false;
}

// The restricted Pod Security Standard, as far as it speaks of fields that a
// pod of ours may have.
void expect_restricted(const json& pod, const json& container) {
  EXPECT_EQ(pod["runAsNonRoot"], true);
  EXPECT_NE(pod.value("runAsUser", 1), 0);
  EXPECT_EQ(pod["seccompProfile"]["type"], "RuntimeDefault");
  EXPECT_EQ(container["allowPrivilegeEscalation"], false);
  EXPECT_EQ(container["capabilities"]["drop"], json::array({"ALL"}));
  EXPECT_FALSE(container["capabilities"].contains("add"));
  EXPECT_FALSE(container.contains("privileged"));
}

} // namespace

class Rules : public Chart {};

TEST_F(Rules, RenderingTwiceGivesTheSameAndNothingIsAHook_CHT20) {
  auto options = portal();
  auto first = render(options);
  ASSERT_TRUE(first.ok) << first.trouble;
  EXPECT_EQ(first.text, render(options).text);
  EXPECT_EQ(first.text.find("helm.sh/hook"), std::string::npos);
  const char* words[]
    = {"rand",   "genCA",  "genSigned", "genSelfSigned", "genPriv",
       "uuidv4", "lookup", "now ",      "helm.sh/hook"};
  using walker = std::filesystem::recursive_directory_iterator;
  for (auto& entry : walker{chart_folder() + "/templates"}) {
    if (!entry.is_regular_file())
      continue;
    auto text = content(entry.path().string());
    // (the one hook there is, for who asks for it: see below)
    auto has_hook = entry.path().filename() == "deregistration.yaml";
    for (auto word : words)
      if (!has_hook || std::string_view{word} != "helm.sh/hook") {
        EXPECT_EQ(text.find(word), std::string::npos)
          << entry.path() << " uses " << word;
      }
  }
}

TEST_F(Rules, TheOneHookDeletesTheRecordAndRunsAtNoSync_CHT20) {
  auto options = portal();
  options.values["agent"]["serverApiKeySecretName"] = "key";
  options.values["cuttle"]["registration"]["deregister"] = true;
  auto chart = render(options);
  ASSERT_TRUE(chart.ok) << chart.trouble;
  EXPECT_EQ(chart.text, render(options).text);
  std::set<std::string> hooks;
  for (auto& object : chart.objects)
    if (auto hook = object.value(
          "/metadata/annotations/helm.sh~1hook"_json_pointer, json{});
        !hook.is_null())
      hooks.insert(title(object) + " " + hook.get<std::string>());
  EXPECT_EQ(hooks,
            std::set<std::string>{"Job/octopus-agent-deregister pre-delete"});
}

TEST_F(Rules, EveryObjectIsInTheReleasesNamespaceButClusterRoles) {
  for (auto& options : {portal(), everything()}) {
    auto chart = render(options);
    ASSERT_TRUE(chart.ok) << chart.trouble;
    std::set<std::string> titles;
    for (auto& object : chart.objects) {
      EXPECT_TRUE(titles.insert(title(object)).second) << title(object);
      if (object["kind"] == "ClusterRole"
          || object["kind"] == "ClusterRoleBinding")
        continue;
      EXPECT_EQ(object["metadata"]["namespace"], "octopus-worker-shop")
        << title(object);
      EXPECT_EQ(object["metadata"]["labels"]["app.kubernetes.io/managed-by"],
                "Helm")
        << title(object);
    }
  }
}

TEST_F(Rules, EveryContainerHasRequestsAndLimits) {
  auto chart = render(portal());
  ASSERT_TRUE(chart.ok) << chart.trouble;
  auto* spec = look_up(chart, "pod spec");
  ASSERT_NE(spec, nullptr);
  int count = 0;
  for (auto kind : {"initContainers", "containers"})
    for (auto& container : containers(*spec, kind)) {
      ++count;
      for (auto side : {"requests", "limits"})
        for (auto what : {"cpu", "memory"})
          EXPECT_TRUE(container["resources"][side].contains(what))
            << container["name"] << " " << side << " " << what;
    }
  EXPECT_EQ(count, 2);
}

TEST_F(Rules, WorkerAndScriptsKeepTheRestrictedPodSecurityStandard) {
  auto chart = render(portal());
  ASSERT_TRUE(chart.ok) << chart.trouble;
  auto* spec = look_up(chart, "pod spec");
  ASSERT_NE(spec, nullptr);
  for (auto kind : {"initContainers", "containers"})
    for (auto& container : containers(*spec, kind))
      expect_restricted((*spec)["securityContext"],
                        container["securityContext"]);
  for (auto key : {"hostNetwork", "hostPID", "hostIPC"})
    EXPECT_FALSE(spec->contains(key));
  const std::set<std::string> kinds{"name",     "configMap",
                                    "emptyDir", "projected",
                                    "secret",   "persistentVolumeClaim"};
  for (auto& volume : (*spec)["volumes"])
    for (auto& [key, value] : volume.items())
      EXPECT_TRUE(kinds.contains(key)) << volume;
  auto text = [&](const char* name) {
    auto* found = look_up(chart, std::string{"run $"} + name);
    return json::parse(found ? found->get<std::string>() : "null");
  };
  expect_restricted(text("OCTOPUS__K8STENTACLE__PODSECURITYCONTEXTJSON"),
                    text("CUTTLE_POD_CONTAINER_SECURITY_CONTEXT"));
}

TEST_F(Rules, OnlyTheScriptsRoleIsUnlimitedAndNothingIsClusterWide_RBAC01) {
  auto chart = render(portal());
  ASSERT_TRUE(chart.ok) << chart.trouble;
  std::set<std::string> unlimited;
  for (auto& object : chart.objects) {
    EXPECT_NE(object["kind"], "ClusterRole");
    EXPECT_NE(object["kind"], "ClusterRoleBinding");
    if (has_wildcard(object))
      unlimited.insert(title(object));
  }
  EXPECT_EQ(unlimited, std::set<std::string>{
                         "Role/octopus-agent-scripts-shop-worker-role"});
}

TEST_F(Rules, CredentialsAreInSecretsAlone_REG03) {
  auto options = portal();
  options.values["agent"]["serverApiKey"] = "API-HUSH1";
  options.values["agent"]["password"] = "HUSH2";
  options.values["agent"]["pollingProxy"]
    = {{"host", "p"}, {"password", "HUSH3"}};
  options.values["agent"]["certificate"] = "HUSH4";
  auto chart = render(options);
  ASSERT_TRUE(chart.ok) << chart.trouble;
  EXPECT_EQ(chart.text.find("HUSH"), std::string::npos)
    << "a credential is readable somewhere";
  auto* run = look_up(chart, "run");
  ASSERT_NE(run, nullptr);
  for (auto& mount : (*run)["volumeMounts"])
    EXPECT_NE(mount["name"], "server-auth");
}

TEST_F(Rules, VariablesOfTheWorkerAreDocumented) {
  auto text = content(docs_folder() + "/settings.md");
  std::set<std::string> names;
  auto chart = render(everything());
  ASSERT_TRUE(chart.ok) << chart.trouble;
  auto* list = look_up(chart, "run env");
  ASSERT_NE(list, nullptr);
  for (auto& variable : *list)
    names.insert(variable["name"]);
  EXPECT_GT(names.size(), 30u);
  // (for scripts of the stock worker)
  names.erase("TentacleApplications");
  const std::string prefix = "OCTOPUS__K8STENTACLE__";
  for (auto& name : names) {
    auto shown
      = name.starts_with(prefix) ? "P " + name.substr(prefix.size()) : name;
    EXPECT_NE(text.find("`" + shown + "`"), std::string::npos)
      << name << " is not in docs/settings.md";
  }
}

TEST_F(Rules, TheGoldenFilesAreWhatIsRendered) {
  const std::pair<const char*, render_options> files[]
    = {{"portal", portal()}, {"full", everything()}};
  for (auto& [name, options] : files) {
    auto chart = render(options);
    ASSERT_TRUE(chart.ok) << chart.trouble;
    // Each helm makes the same of it, to the byte.
    for (auto& helm : find_helms()) {
      auto again = options;
      again.helm = helm;
      EXPECT_EQ(chart.text, render(again).text) << helm;
    }
    auto path = tests_folder() + "/chart/golden/" + name + ".yaml";
    if (std::getenv("CUTTLE_WRITE_GOLDEN"))
      std::ofstream{path} << chart.text;
    EXPECT_EQ(chart.text, content(path))
      << "If this is what you want, run the test with CUTTLE_WRITE_GOLDEN=1 "
         "and look at the difference.";
  }
}

} // namespace cuttle::test
