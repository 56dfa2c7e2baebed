#include <fstream>
#include <map>

#include "tests/e2e/helm_stage.hpp"
#include "tests/folders.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;

const std::string scripts = "octopus.com/scriptTicketId";
const std::string worker = "agent.octopus.com/component=tentacle";

bool has_line(const sim::script_result& result, const std::string& text) {
  for (auto& line : result.lines)
    if (line.text == text)
      return true;
  return false;
}

// The restricted Pod Security Standard, field by field: the test cluster is too
// old to enforce it.
void expect_restricted(const json& pod) {
  auto& spec = pod["spec"];
  auto name = pod["metadata"]["name"].get<std::string>();
  auto shared = spec.value("securityContext", json::object());
  EXPECT_EQ(shared.value("runAsNonRoot", false), true) << name;
  EXPECT_GT(shared.value("runAsUser", 0), 0) << name;
  EXPECT_EQ(shared.value("/seccompProfile/type"_json_pointer, ""),
            "RuntimeDefault")
    << name;
  for (auto key : {"hostNetwork", "hostPID", "hostIPC"})
    EXPECT_FALSE(spec.value(key, false)) << name;
  for (auto& volume : spec["volumes"])
    EXPECT_FALSE(volume.contains("hostPath")) << name;
  for (auto& container : spec["containers"]) {
    auto own = container.value("securityContext", json::object());
    EXPECT_EQ(own.value("allowPrivilegeEscalation", true), false) << name;
    EXPECT_EQ(own.value("/capabilities/drop/0"_json_pointer, ""), "ALL")
      << name;
  }
}

// With Helm 3 and with Helm 4.
class EachHelm : public HelmStage,
                 public ::testing::WithParamInterface<const char*> {
protected:
  std::string image_of_worker() {
    return get("deployment", "octopus-agent-worker")
      .value("/spec/template/spec/containers/0/image"_json_pointer, "");
  }
};

INSTANTIATE_TEST_SUITE_P(Story, EachHelm, ::testing::Values("helm", "helm4"),
                         [](auto& x) { return std::string{x.param}; });

} // namespace

TEST_P(EachHelm, InstallsRunsUpgradesAndGoes_RST01_RST06) {
  ASSERT_NO_FATAL_FAILURE(use_helm(GetParam()));
  if (IsSkipped())
    return;
  ASSERT_NO_FATAL_FAILURE(install());
  ASSERT_NO_FATAL_FAILURE(connect());
  auto ready = kubectl(
    {"rollout", "status", "deployment/octopus-agent-worker", "--timeout=90s"});
  ASSERT_EQ(ready.code, 0) << ready.text;

  // It has registered, once.
  auto workers = rest_->workers("Spaces-1");
  ASSERT_EQ(workers.size(), 1u);
  EXPECT_EQ(json::parse(workers[0])["Name"], "Shop");
  EXPECT_EQ(json::parse(workers[0])["Endpoint"]["CommunicationStyle"],
            "KubernetesTentacle");
  rest_->forget_calls();

  // An operation, in a pod under the restricted standard.
  auto first = start("id -u; grep CapEff /proc/self/status | tr '\\t' ' '\n"
                     "touch $TentacleHome/seen && echo home is writable\n"
                     "until [ -e \"$TentacleHome/go-1\" ]; do sleep 0.1; done");
  ASSERT_TRUE(first->sees("home is writable", 120s));
  auto pods = list("pods", scripts);
  ASSERT_EQ(pods.size(), 1u);
  expect_restricted(pods[0]);
  EXPECT_EQ(pods[0]["spec"]["serviceAccountName"], "octopus-agent-scripts");
  EXPECT_EQ(pods[0]["spec"]["containers"][0]["resources"]["requests"]["cpu"],
            "25m");
  pods = list("pods", worker);
  ASSERT_EQ(pods.size(), 1u);
  expect_restricted(pods[0]);
  auto first_worker = pods[0]["metadata"]["uid"];
  std::ofstream{home() / "go-1"};
  auto result = first->wait();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(has_line(result, "1000"));
  EXPECT_TRUE(has_line(result, "CapEff: 0000000000000000"));

  // An upgrade while another one runs: every line once, and its exit code.
  auto second
    = start("n=0; until [ -e \"$TentacleHome/go-2\" ]; do n=$((n+1)); "
            "echo line $n; sleep 0.2; done; echo last $n; exit 7");
  ASSERT_TRUE(second->sees("line 3"));
  auto colon = other_image_.rfind(':');
  auto upgraded = helm(
    {"upgrade", release(), chart_folder(), "--reuse-values", "--set",
     "scriptPods.worker.image.repository=" + other_image_.substr(0, colon),
     "--set", "scriptPods.worker.image.tag=" + other_image_.substr(colon + 1),
     "--set", "scriptPods.resources.requests.cpu=30m", "--wait", "--timeout",
     "150s"});
  ASSERT_EQ(upgraded.code, 0) << upgraded.text;
  pods = list("pods", worker + ",app.kubernetes.io/instance=" + release());
  ASSERT_EQ(pods.size(), 1u) << "two workers at a time";
  EXPECT_NE(pods[0]["metadata"]["uid"], first_worker);
  EXPECT_TRUE(rest_->calls().empty()) << "it has registered again [REG-04]";
  std::ofstream{home() / "go-2"};
  result = second->wait();
  EXPECT_EQ(result.exit_code, 7);
  std::vector<std::string> own;
  for (auto& line : result.lines)
    if (line.source == output_source::out
        && (line.text.starts_with("line ") || line.text.starts_with("last ")))
      own.push_back(line.text);
  ASSERT_GT(own.size(), 3u);
  for (std::size_t i = 0; i + 1 < own.size(); ++i)
    EXPECT_EQ(own[i], "line " + std::to_string(i + 1));
  EXPECT_EQ(own.back(), "last " + std::to_string(own.size() - 1));

  // The next one has the new image and requests.
  auto third = start(
    "echo third; until [ -e \"$TentacleHome/go-3\" ]; do sleep 0.1; done");
  ASSERT_TRUE(third->sees("third", 120s));
  // (the pod of the second one may still be on its way out)
  ASSERT_TRUE(eventually(
    [&] {
      pods = list("pods", scripts);
      return pods.size() == 1;
    },
    60s))
    << pods;
  auto& container = pods[0]["spec"]["containers"][0];
  EXPECT_EQ(container["image"], other_image_);
  EXPECT_EQ(container["resources"]["requests"]["cpu"], "30m");
  EXPECT_EQ(container["resources"]["requests"]["memory"], "100Mi");
  std::ofstream{home() / "go-3"};
  EXPECT_EQ(third->wait().exit_code, 0);
  EXPECT_TRUE(eventually([&] { return list("pods", scripts).empty(); }, 60s));

  // And it goes, with all that it brought.
  auto gone = helm({"uninstall", release()});
  ASSERT_EQ(gone.code, 0) << gone.text;
  auto mine = "app.kubernetes.io/instance=" + release();
  for (auto kind :
       {"deployments", "replicasets", "pods", "services", "configmaps",
        "secrets", "serviceaccounts", "persistentvolumeclaims", "roles",
        "rolebindings", "poddisruptionbudgets", "clusterroles",
        "clusterrolebindings"})
    EXPECT_TRUE(eventually([&] { return list(kind, mine).empty(); }, 90s))
      << kind << " are left: " << list(kind, mine);
  EXPECT_TRUE(list("secrets", "owner=helm").empty());
}

// As Argo CD does it: it renders the chart and applies what comes out, over and
// over, and compares what is there with it.
TEST_F(HelmStage, TenSyncsOfAGitOpsToolLeaveOneRecordAndOneWorker_CHT20) {
  auto objects = rendered();
  ASSERT_FALSE(objects.empty());
  auto sync = [&] {
    auto done = kubectl({"apply", "-f", objects});
    ASSERT_EQ(done.code, 0) << done.text;
  };
  ASSERT_NO_FATAL_FAILURE(sync());
  ASSERT_NO_FATAL_FAILURE(connect());
  auto uids = [&] {
    json result;
    for (auto& pod : list("pods", worker))
      result.push_back(pod["metadata"]["uid"]);
    return result;
  };
  auto first = uids();
  ASSERT_EQ(first.size(), 1u);
  for (auto i = 0; i < 10; ++i)
    ASSERT_NO_FATAL_FAILURE(sync());
  auto differs = kubectl({"diff", "-f", objects});
  EXPECT_EQ(differs.code, 0) << differs.text;
  EXPECT_EQ(uids(), first);
  // Nor does another start of the worker make another record.
  rest_->forget_calls();
  ASSERT_EQ(
    kubectl({"rollout", "restart", "deployment/octopus-agent-worker"}).code, 0);
  ASSERT_TRUE(eventually(
    [&] {
      auto now = uids();
      return now.size() == 1 && now != first && connections_ > 0;
    },
    120s));
  ASSERT_NO_FATAL_FAILURE(sync());
  EXPECT_EQ(rest_->workers("Spaces-1").size(), 1u);
  EXPECT_TRUE(rest_->calls().empty()) << "it has registered again";
  EXPECT_EQ(start("echo once")->wait(150s).exit_code, 0);
}

TEST_F(HelmStage, GivesEachAccountWhatItNeedsAndNoMore_RBAC01_RBAC06) {
  // The objects are enough; no pod has to start.
  ASSERT_NO_FATAL_FAILURE(install(
    {{"agent", {{"nodeSelector", {{"cuttle.test/no-such", "node"}}}}}}));
  using words = std::vector<std::string>;
  const std::string tentacle = "octopus-agent-tentacle";
  const words needs[] = {
    {"get", "pods"},
    {"list", "pods"},
    {"watch", "pods"},
    {"create", "pods"},
    {"delete", "pods"},
    {"get", "pods", "--subresource=log"},
    {"list", "events"},
    {"watch", "events"},
    {"get", "configmaps/tentacle-config"},
    {"patch", "configmaps/tentacle-config"},
    {"get", "configmaps/kubernetes-agent-metrics"},
    {"patch", "configmaps/kubernetes-agent-metrics"},
    {"get", "secrets/tentacle-secret"},
    {"patch", "secrets/tentacle-secret"},
    {"create", "secrets"},
    {"get", "configmaps/tentacle-config-pre"},
    {"delete", "secrets/tentacle-secret-pre"},
    {"list", "scriptpodtemplates.agent.octopus.com"},
    {"list", "deployments.apps"},
  };
  for (auto& what : needs)
    EXPECT_TRUE(may(tentacle, what)) << what[0] << " " << what[1];
  const words beyond[] = {
    {"patch", "pods"},
    {"create", "pods", "--subresource=exec"},
    {"delete", "secrets"},
    {"list", "secrets"},
    {"get", "configmaps/another"},
    {"create", "configmaps"},
    {"create", "serviceaccounts"},
    {"create", "serviceaccounts", "--subresource=token"},
    {"patch", "deployments.apps"},
    {"create", "roles.rbac.authorization.k8s.io"},
    {"impersonate", "serviceaccounts"},
    {"*", "*"},
  };
  for (auto& what : beyond)
    EXPECT_FALSE(may(tentacle, what)) << what[0] << " " << what[1];
  EXPECT_TRUE(may("octopus-agent-scripts", {"*", "*"}));
  EXPECT_TRUE(may("octopus-agent-auto-upgrader", {"list", "pods"}));
  EXPECT_TRUE(may("octopus-agent-auto-upgrader", {"get", "secrets"}));
  EXPECT_FALSE(may("octopus-agent-auto-upgrader", {"create", "pods"}));
  EXPECT_FALSE(
    may("octopus-agent-auto-upgrader", {"patch", "deployments.apps"}));
  // Outside: nothing, whoever asks. (What belongs to no namespace is asked for
  // in all of them: kubectl names the current one otherwise, and a role seems
  // to do.)
  const words elsewhere[] = {
    {"get", "pods", "--namespace=default"},
    {"create", "pods", "--namespace=default"},
    {"get", "secrets", "--namespace=kube-system"},
    {"list", "pods", "--all-namespaces"},
    {"list", "nodes", "--all-namespaces"},
    {"get", "namespaces", "--all-namespaces"},
    {"create", "namespaces", "--all-namespaces"},
    {"create", "clusterroles.rbac.authorization.k8s.io", "--all-namespaces"},
    {"create", "clusterrolebindings.rbac.authorization.k8s.io",
     "--all-namespaces"},
    {"get", "persistentvolumes", "--all-namespaces"},
    {"create", "customresourcedefinitions.apiextensions.k8s.io",
     "--all-namespaces"},
  };
  for (auto account : {tentacle, std::string{"octopus-agent-scripts"},
                       std::string{"octopus-agent-auto-upgrader"}})
    for (auto& what : elsewhere)
      EXPECT_FALSE(may(account, what))
        << account << ": " << what[0] << " " << what[1] << " "
        << (what.size() > 2 ? what[2] : "");
}

TEST_F(HelmStage, AScriptUsesKubectlInItsNamespaceAndIsRefusedOutsideIt) {
  if (tools_image_.empty())
    GTEST_SKIP() << "there is no image with kubectl: ./dev e2e";
  ASSERT_NO_FATAL_FAILURE(install());
  ASSERT_NO_FATAL_FAILURE(connect());
  start_script command;
  command.image.emplace();
  command.image->image = tools_image_;
  command.script_body
    = "kubectl create configmap by-a-script --from-literal=who=script\n"
      "echo \"made by $(kubectl get configmap by-a-script"
      " -o jsonpath='{.data.who}')\"\n"
      "kubectl get pods --namespace kube-system; echo \"elsewhere $?\"\n"
      "kubectl create namespace by-a-script; echo \"a namespace $?\"\n"
      "exit 4";
  auto result = start(std::move(command))->wait(150s);
  EXPECT_EQ(result.exit_code, 4);
  auto refused = 0;
  std::map<std::string, int> own;
  for (auto& line : result.lines) {
    ++own[line.text];
    auto forbidden = line.source == output_source::err
                     && line.text.find("forbidden") != std::string::npos
                     && line.text.find("system:serviceaccount:" + name_space()
                                       + ":octopus-agent-scripts")
                          != std::string::npos;
    refused += forbidden ? 1 : 0;
  }
  for (auto* line : {"made by script", "elsewhere 1", "a namespace 1"})
    EXPECT_EQ(own[line], 1) << line;
  EXPECT_EQ(refused, 2);
  EXPECT_EQ(get("configmap", "by-a-script")["data"]["who"], "script");
}

} // namespace cuttle::test
