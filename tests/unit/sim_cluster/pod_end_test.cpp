// Deleting, evicting, killing: how pods go.

#include <csignal>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

#include "client.hpp"

using namespace cuttle::sim;
using namespace cuttle::sim::test;

namespace {

bool runs(const nlohmann::json& pod) {
  return !state(pod, "running").is_null();
}

bool ended(const nlohmann::json& pod) {
  return !state(pod, "terminated").is_null();
}

auto deleted(const std::string& name) {
  return [name](const nlohmann::json& event) {
    return event["type"] == "DELETED"
           && event["object"]["metadata"]["name"] == name;
  };
}

/// Creates a pod and waits until its script has printed `ready`.
void start(const api_access& at, const std::string& name,
           const std::string& script) {
  watch pods{at, "pods"};
  create(at, script_pod(name, script));
  ASSERT_TRUE(pods.pod(name, runs).is_object());
  stream log{at, at.path("pods/" + name + "/log?follow=true")};
  ASSERT_TRUE(log.wait(
    [](const std::string& text) { return text.find("ready") != text.npos; }));
}

/// Process ids that a script printed, one in a line, after "ready".
std::vector<pid_t> printed_pids(const api_access& at, const std::string& name) {
  std::vector<pid_t> result;
  auto text = call(at, "GET", at.path("pods/" + name + "/log")).body;
  for (std::size_t p = 0; p < text.size(); p = text.find('\n', p) + 1)
    if (text[p] >= '0' && text[p] <= '9')
      result.push_back(std::stoi(text.substr(p)));
  return result;
}

/// Gone, or dead and waiting for a parent that is not us.
bool dead(pid_t pid) {
  if (kill(pid, 0) != 0)
    return true;
  std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  auto close = text.rfind(')');
  return close == text.npos || text.substr(close + 2, 1) == "Z";
}

TEST(ClusterPodEnd, WaitsForTheScriptThatEndsItselfOnDeletion) {
  running k;
  start(k.at, "p",
        "trap 'echo bye; exit 5' TERM; echo ready; "
        "while :; do sleep 0.01; done");
  watch pods{k.at, "pods"};
  stream log{k.at, k.at.path("pods/p/log?follow=true")};
  auto answer = call(k.at, "DELETE", k.at.path("pods/p"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json()["metadata"]["deletionGracePeriodSeconds"], 20);
  auto marked = pods.pod("p", [](const auto& x) {
    return x["metadata"].contains("deletionTimestamp");
  });
  EXPECT_TRUE(runs(marked));
  auto over = pods.pod("p", ended);
  EXPECT_EQ(state(over, "terminated")["exitCode"], 5);
  EXPECT_TRUE(over["metadata"].contains("deletionTimestamp"));
  EXPECT_TRUE(pods.until(deleted("p")).is_object());
  ASSERT_TRUE(log.wait_end());
  EXPECT_TRUE(log.complete());
  EXPECT_TRUE(log.text().ends_with("bye\n")) << log.text();
  EXPECT_TRUE(k.cluster.pods().empty());
}

TEST(ClusterPodEnd, KillsAfterTheGracePeriod) {
  running k;
  start(k.at, "p", "trap '' TERM; echo ready; while :; do sleep 0.01; done");
  watch pods{k.at, "pods"};
  auto answer
    = call(k.at, "DELETE", k.at.path("pods/p"), R"({"gracePeriodSeconds":1})");
  EXPECT_EQ(answer.json()["metadata"]["deletionGracePeriodSeconds"], 1);
  auto over = pods.pod("p", ended);
  EXPECT_EQ(state(over, "terminated")["exitCode"], 137);
  EXPECT_TRUE(pods.until(deleted("p")).is_object());
}

TEST(ClusterPodEnd, RemovesTheObjectAtOnceWithoutGrace) {
  running k;
  start(k.at, "p", "echo $$$$; echo ready; exec sleep 600");
  auto pid = printed_pids(k.at, "p").at(0);
  stream log{k.at, k.at.path("pods/p/log?follow=true")};
  auto done = call(k.at, "DELETE", k.at.path("pods/p?gracePeriodSeconds=0"));
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(call(k.at, "GET", k.at.path("pods/p")).status, 404);
  EXPECT_EQ(call(k.at, "DELETE", k.at.path("pods/p")).status, 404);
  ASSERT_TRUE(log.wait_end());
  EXPECT_TRUE(dead(pid));
}

TEST(ClusterPodEnd, ShortensTheGraceOfAPodThatIsBeingDeleted) {
  running k;
  start(k.at, "p", "trap '' TERM; echo ready; while :; do sleep 0.01; done");
  watch pods{k.at, "pods"};
  EXPECT_EQ(call(k.at, "DELETE", k.at.path("pods/p")).status, 200);
  auto again = call(k.at, "DELETE", k.at.path("pods/p?gracePeriodSeconds=1"));
  EXPECT_EQ(again.json()["metadata"]["deletionGracePeriodSeconds"], 1);
  EXPECT_TRUE(pods.until(deleted("p")).is_object());
}

TEST(ClusterPodEnd, DeletesOnlyThePodThatWasMeant) {
  running k;
  auto pod = create(k.at, script_pod("p", "true"));
  auto refused = call(k.at, "DELETE", k.at.path("pods/p"),
                      R"({"preconditions":{"uid":"other"}})");
  EXPECT_EQ(refused.status, 409);
  EXPECT_NE(refused.message().find("UID in the precondition (other)"),
            std::string::npos);
  nlohmann::json right{{"preconditions", {{"uid", pod["metadata"]["uid"]}}}};
  EXPECT_EQ(call(k.at, "DELETE", k.at.path("pods/p"), right.dump()).status,
            200);
}

TEST(ClusterPodEnd, RemovesAFinishedPodAtOnce) {
  running k;
  watch pods{k.at, "pods"};
  create(k.at, script_pod("p", "true"));
  ASSERT_TRUE(pods.pod("p", ended).is_object());
  EXPECT_EQ(call(k.at, "DELETE", k.at.path("pods/p")).status, 200);
  EXPECT_EQ(call(k.at, "GET", k.at.path("pods/p")).status, 404);
}

TEST(ClusterPodEnd, LeavesNothingOfTheContainerBehind) {
  running k;
  watch pods{k.at, "pods"};
  // One child in a session of its own, with its output closed.
  start(k.at, "p",
        "setsid sh -c 'echo $$$$; exec sleep 600 >/dev/null 2>&1' & "
        "sleep 600 & echo $!; echo ready; sleep 0.2");
  ASSERT_TRUE(pods.pod("p", ended).is_object());
  auto pids = printed_pids(k.at, "p");
  ASSERT_EQ(pids.size(), 2u);
  for (auto pid : pids)
    EXPECT_TRUE(dead(pid)) << pid;
}

TEST(ClusterPodEnd, FailsAsAWholeWhenEvicted_MON13) {
  running k;
  start(k.at, "p", "echo ready; exec sleep 600");
  watch pods{k.at, "pods"};
  k.cluster.evict("p", "Evicted", "The node was low on resource: memory.");
  auto pod = pods.pod("p", ended);
  EXPECT_TRUE(in_phase(pod, "Failed"));
  EXPECT_EQ(pod["status"]["reason"], "Evicted");
  EXPECT_EQ(pod["status"]["message"], "The node was low on resource: memory.");
  EXPECT_EQ(state(pod, "terminated")["exitCode"], 137);
}

TEST(ClusterPodEnd, SaysWhenMemoryWasUsedUp_MON13) {
  running k;
  start(k.at, "p", "echo ready; exec sleep 600");
  watch pods{k.at, "pods"};
  k.cluster.oom_kill("p");
  auto pod = pods.pod("p", ended);
  EXPECT_EQ(state(pod, "terminated")["reason"], "OOMKilled");
  EXPECT_EQ(state(pod, "terminated")["exitCode"], 137);
}

TEST(ClusterPodEnd, KillsEverythingWhenTheClusterGoes) {
  std::vector<pid_t> pids;
  {
    running k;
    start(k.at, "p",
          "trap '' TERM; echo $$$$; echo ready; "
          "while :; do sleep 0.01; done");
    start(k.at, "q", "sleep 600 & echo $!; echo ready; wait");
    pids = printed_pids(k.at, "p");
    auto more = printed_pids(k.at, "q");
    pids.insert(pids.end(), more.begin(), more.end());
  }
  ASSERT_EQ(pids.size(), 2u);
  for (auto pid : pids)
    EXPECT_TRUE(dead(pid)) << pid;
}

TEST(ClusterPodEnd, TakesANewPodOfTheSameNameAfterTheOldOne) {
  running k;
  for (int i = 0; i < 5; ++i) {
    watch pods{k.at, "pods", "resourceVersion=0"};
    auto made = create(k.at, script_pod("p", "echo $$$$; exec sleep 600"));
    auto uid = made["metadata"]["uid"];
    ASSERT_TRUE(pods
                  .pod("p",
                       [&](const auto& x) {
                         return x["metadata"]["uid"] == uid && runs(x);
                       })
                  .is_object());
    k.cluster.delete_pod("p", std::chrono::seconds{0});
  }
  EXPECT_TRUE(k.cluster.pods().empty());
}

} // namespace
