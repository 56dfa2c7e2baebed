// A pod from its creation to the end of its script.

#include <algorithm>
#include <gtest/gtest.h>

#include "client.hpp"

using namespace cuttle::sim;
using namespace cuttle::sim::test;

namespace {

bool ended(const nlohmann::json& pod) {
  return !state(pod, "terminated").is_null();
}

std::vector<std::string> reasons(const api_access& at, const std::string& pod) {
  std::vector<std::string> result;
  auto list = call(at, "GET",
                   at.path("events?fieldSelector=involvedObject.kind%3DPod,"
                           "involvedObject.name%3D")
                     + pod);
  auto items = list.json()["items"];
  std::sort(items.begin(), items.end(), [](const auto& x, const auto& y) {
    auto version = [](const auto& e) {
      return std::stoll(
        e["metadata"]["resourceVersion"].template get<std::string>());
    };
    return version(x) < version(y);
  });
  for (const auto& event : items)
    result.push_back(event["reason"]);
  return result;
}

TEST(ClusterPod, RunsItsScriptFromCreationToSuccess) {
  running k;
  watch pods{k.at, "pods", "labelSelector=octopus.com/scriptTicketId"};
  auto made = create(k.at, script_pod("p", "echo hello; echo oops >&2"));
  EXPECT_EQ(made["status"]["phase"], "Pending");
  EXPECT_FALSE(made["metadata"]["uid"].get<std::string>().empty());
  EXPECT_EQ(made["metadata"]["namespace"], "octopus-worker-demo");
  auto waiting = pods.pod(
    "p", [](const auto& x) { return !state(x, "waiting").is_null(); });
  EXPECT_EQ(state(waiting, "waiting")["reason"], "ContainerCreating");
  auto runs = pods.pod(
    "p", [](const auto& x) { return !state(x, "running").is_null(); });
  EXPECT_TRUE(in_phase(runs, "Running"));
  EXPECT_TRUE(state(runs, "running").contains("startedAt"));
  auto over = pods.pod("p", ended);
  EXPECT_TRUE(in_phase(over, "Succeeded"));
  auto end = state(over, "terminated");
  EXPECT_EQ(end["exitCode"], 0);
  EXPECT_EQ(end["reason"], "Completed");
  EXPECT_TRUE(end.contains("finishedAt"));
  auto log = call(k.at, "GET", k.at.path("pods/p/log?container=p"));
  EXPECT_NE(log.body.find("hello\n"), std::string::npos);
  EXPECT_NE(log.body.find("oops\n"), std::string::npos);
  EXPECT_EQ(reasons(k.at, "p"),
            (std::vector<std::string>{"Scheduled", "Pulling", "Pulled",
                                      "Created", "Started"}));
  EXPECT_EQ(k.cluster.pods(), std::vector<std::string>{"p"});
}

TEST(ClusterPod, ReportsTheExitCode_MON10) {
  running k;
  watch pods{k.at, "pods"};
  create(k.at, script_pod("p", "exit 7"));
  auto pod = pods.pod("p", ended);
  EXPECT_EQ(state(pod, "terminated")["exitCode"], 7);
  EXPECT_EQ(state(pod, "terminated")["reason"], "Error");
  EXPECT_TRUE(in_phase(pod, "Failed"));
}

TEST(ClusterPod, ReportsASignalAsExitCode) {
  running k;
  watch pods{k.at, "pods"};
  create(k.at, script_pod("p", "kill -9 $$$$"));
  auto pod = pods.pod("p", ended);
  EXPECT_EQ(state(pod, "terminated")["exitCode"], 137);
  EXPECT_EQ(state(pod, "terminated")["signal"], 9);
}

TEST(ClusterPod, GivesTheScriptItsEnvironmentAndNothingOfOurs) {
  setenv("CUTTLE_TEST_LEAK", "1", 1);
  running k;
  watch pods{k.at, "pods"};
  auto pod = script_pod("p", "env; pwd; ls /proc/self/fd | wc -w");
  pod["spec"]["containers"][0]["env"]
    = nlohmann::json::array({{{"name", "A"}, {"value", "with blank"}}});
  create(k.at, pod);
  ASSERT_FALSE(pods.pod("p", ended).is_null());
  auto log = call(k.at, "GET", k.at.path("pods/p/log")).body;
  log.insert(log.begin(), '\n');
  EXPECT_NE(log.find("\nA=with blank\n"), log.npos) << log;
  EXPECT_NE(log.find("\nHOSTNAME=p\n"), log.npos) << log;
  EXPECT_NE(log.find("\nPWD=/\n"), log.npos) << log;
  EXPECT_EQ(log.find("CUTTLE_TEST_LEAK"), log.npos) << log;
  // Input, output, errors and the folder that ls reads: no descriptor of this
  // program. (Of the shell itself it would see pipes that come and go.)
  EXPECT_TRUE(log.ends_with("\n/\n4\n")) << log;
}

TEST(ClusterPod, WaitsForAnImageThatIsMissing) {
  auto options = quick();
  options.missing_images = {"worker-tools:test"};
  running k{options};
  watch pods{k.at, "pods"};
  watch events{k.at, "events", "fieldSelector=involvedObject.kind%3DPod"};
  create(k.at, script_pod("p", "true"));
  auto waits = [](const std::string& reason) {
    return [reason](const nlohmann::json& pod) {
      auto waiting = state(pod, "waiting");
      return waiting.is_object() && waiting["reason"] == reason;
    };
  };
  EXPECT_TRUE(pods.pod("p", waits("ErrImagePull")).is_object());
  EXPECT_TRUE(pods.pod("p", waits("ImagePullBackOff")).is_object());
  auto repeated = events.until([](const auto& x) {
    return x["object"]["reason"] == "BackOff"
           && x["object"].value("count", 0) == 2;
  });
  EXPECT_EQ(repeated["type"], "MODIFIED");
  EXPECT_EQ(repeated["object"]["type"], "Normal");
  EXPECT_EQ(repeated["object"]["involvedObject"]["fieldPath"],
            "spec.containers{p}");
  auto failed = events.until(
    [](const auto& x) { return x["object"]["reason"] == "Failed"; });
  EXPECT_EQ(failed["object"]["type"], "Warning");
  auto log = call(k.at, "GET", k.at.path("pods/p/log"));
  EXPECT_EQ(log.status, 400);
  EXPECT_EQ(log.message().substr(0, 46),
            "container \"p\" in pod \"p\" is waiting to start: ");
}

TEST(ClusterPod, StaysUnschedulableUntilAPlaceIsFree) {
  auto options = quick();
  options.processes = 1;
  running k{options};
  watch pods{k.at, "pods"};
  create(k.at, script_pod("first", "sleep 600"));
  ASSERT_TRUE(
    pods.pod("first", [](const auto& x) { return in_phase(x, "Running"); })
      .is_object());
  create(k.at, script_pod("second", "true"));
  auto waits = pods.pod(
    "second", [](const auto& x) { return x["status"].contains("conditions"); });
  EXPECT_EQ(waits["status"]["conditions"][0]["status"], "False");
  EXPECT_EQ(waits["status"]["conditions"][0]["reason"], "Unschedulable");
  auto log = call(k.at, "GET", k.at.path("pods/second/log"));
  EXPECT_EQ(log.message(), "pod second does not have a host assigned");
  k.cluster.delete_pod("first", std::chrono::seconds{0});
  EXPECT_TRUE(pods.pod("second", ended).is_object());
}

TEST(ClusterPod, IsRefusedForAnUnknownServiceAccount) {
  running k;
  auto pod = script_pod("p", "true");
  pod["spec"]["serviceAccountName"] = "nobody";
  auto refused = call(k.at, "POST", k.at.path("pods"), pod.dump());
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.message().find("error looking up service account "
                                   "octopus-worker-demo/nobody"),
            std::string::npos);
  pod["spec"]["serviceAccountName"] = "octopus-agent-auto-upgrader";
  EXPECT_EQ(call(k.at, "POST", k.at.path("pods"), pod.dump()).status, 201);
}

TEST(ClusterPod, ExistsOnlyOnce_POD02) {
  running k;
  create(k.at, script_pod("p", "true"));
  auto again
    = call(k.at, "POST", k.at.path("pods"), script_pod("p", "true").dump());
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.json()["reason"], "AlreadyExists");
  EXPECT_EQ(again.json()["details"]["name"], "p");
}

TEST(ClusterPod, IsRefusedWithTheFieldThatIsWrong) {
  running k;
  auto pod = script_pod("p", "true");
  pod["spec"]["containers"][0].erase("image");
  auto refused = call(k.at, "POST", k.at.path("pods"), pod.dump());
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.message(),
            "Pod \"p\" is invalid: spec.containers[0].image: Required value");
}

TEST(ClusterPod, FailsWhenItsProgramIsMissing) {
  running k;
  watch pods{k.at, "pods"};
  auto pod = script_pod("p", "true");
  pod["spec"]["containers"][0]["command"]
    = nlohmann::json::array({"no-such-program"});
  create(k.at, pod);
  auto over = pods.pod("p", ended);
  EXPECT_EQ(state(over, "terminated")["reason"], "StartError");
  EXPECT_EQ(state(over, "terminated")["exitCode"], 128);
}

TEST(ClusterPod, KeepsRunningWithItsSidecarAfterTheScript_STO11) {
  running k;
  watch pods{k.at, "pods"};
  auto pod = script_pod("p", "exit 3");
  pod["spec"]["containers"].push_back(
    {{"name", "nfs-watchdog"}, {"image", "w"}});
  create(k.at, pod);
  auto over = pods.pod("p", ended);
  EXPECT_TRUE(in_phase(over, "Running"));
  EXPECT_EQ(state(over, "terminated")["exitCode"], 3);
  EXPECT_EQ(call(k.at, "GET", k.at.path("pods/p/log")).status, 400);
  EXPECT_EQ(call(k.at, "GET", k.at.path("pods/p/log?container=x")).status, 400);
}

TEST(ClusterPod, RunsARawScriptWithoutItsInitContainer_RAW01) {
  running k;
  watch pods{k.at, "pods"};
  auto pod = script_pod("p", "true");
  pod["spec"]["initContainers"] = nlohmann::json::array(
    {{{"name", "p-init"}, {"image", "w"}, {"command", {"false"}}}});
  create(k.at, pod);
  auto over = pods.pod("p", ended);
  const auto& init = over["status"]["initContainerStatuses"][0];
  EXPECT_EQ(init["state"]["terminated"]["exitCode"], 0);
}

} // namespace
