// Trouble on demand.

#include <gtest/gtest.h>

#include "client.hpp"

using namespace cuttle::sim;
using namespace cuttle::sim::test;

namespace {

TEST(ClusterTrouble, RefusesTheNextRequestsThatFit) {
  running k;
  k.cluster.refuse("create", "pods", 403, "exceeded quota: pods", 1);
  k.cluster.refuse("", "version", 429, "slow down", 2, {{"Retry-After", "1"}});
  auto first = call(k.at, "GET", "/version");
  EXPECT_EQ(first.status, 429);
  EXPECT_EQ(first.json()["reason"], "TooManyRequests");
  EXPECT_EQ(first.headers["Retry-After"], "1");
  EXPECT_EQ(call(k.at, "GET", "/version").status, 429);
  EXPECT_EQ(call(k.at, "GET", "/version").status, 200);
  auto pod = script_pod("p", "true").dump();
  auto refused = call(k.at, "POST", k.at.path("pods"), pod);
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.message(), "exceeded quota: pods");
  EXPECT_EQ(call(k.at, "POST", k.at.path("pods"), pod).status, 201);
}

TEST(ClusterTrouble, LosesAnAnswerOfARequestThatWasDone) {
  running k;
  k.cluster.lose_answers("create", "pods", 1);
  auto pod = script_pod("p", "true").dump();
  EXPECT_EQ(call(k.at, "POST", k.at.path("pods"), pod).status, 0);
  EXPECT_EQ(k.cluster.pods(), std::vector<std::string>{"p"});
  EXPECT_EQ(call(k.at, "POST", k.at.path("pods"), pod).status, 409);
}

TEST(ClusterTrouble, BreaksAtACallBeforeOrAfterItsEffect) {
  running k;
  std::string seen;
  auto note = [&](const std::string& call) { seen = call; };
  auto pod = script_pod("p", "true").dump();
  k.cluster.break_at(2, false, note);
  EXPECT_EQ(call(k.at, "GET", "/version").status, 200);
  EXPECT_EQ(call(k.at, "POST", k.at.path("pods"), pod).status, 0);
  EXPECT_EQ(seen, "create pods");
  EXPECT_TRUE(k.cluster.pods().empty());
  k.cluster.break_at(1, true, note);
  EXPECT_EQ(call(k.at, "POST", k.at.path("pods"), pod).status, 0);
  EXPECT_EQ(k.cluster.pods(), std::vector<std::string>{"p"});
  EXPECT_EQ(call(k.at, "GET", "/version").status, 200) << "once only";
}

TEST(ClusterTrouble, ExpectsTheNewTokenAfterARotation) {
  running k;
  k.cluster.rotate_token();
  EXPECT_EQ(call(k.at, "GET", "/version").status, 401);
  EXPECT_EQ(call(api_access{k.cluster}, "GET", "/version").status, 200);
}

TEST(ClusterTrouble, AnswersSlowly) {
  running k;
  k.cluster.slow_down(std::chrono::milliseconds{150});
  auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(call(k.at, "GET", "/version").status, 200);
  EXPECT_GE(std::chrono::steady_clock::now() - start,
            std::chrono::milliseconds{150});
}

TEST(ClusterTrouble, CutsOpenStreams) {
  running k;
  watch pods{k.at, "pods", "allowWatchBookmarks=true"};
  ASSERT_TRUE(pods.until([](const auto&) { return true; }).is_object());
  k.cluster.cut_connections();
  ASSERT_TRUE(pods.raw().wait_end());
  EXPECT_FALSE(pods.raw().complete());
  EXPECT_EQ(call(k.at, "GET", "/version").status, 200);
}

TEST(ClusterTrouble, CutsWatchesAlone) {
  running k;
  watch pods{k.at, "pods", "allowWatchBookmarks=true"};
  ASSERT_TRUE(pods.until([](const auto&) { return true; }).is_object());
  k.cluster.cut_logs();
  k.cluster.cut_watches();
  ASSERT_TRUE(pods.raw().wait_end());
  EXPECT_FALSE(pods.raw().complete());
}

TEST(ClusterTrouble, CutsLogsAlone) {
  running k;
  auto pod = script_pod("p", "echo begin; sleep 600").dump();
  watch pods{k.at, "pods"};
  ASSERT_EQ(call(k.at, "POST", k.at.path("pods"), pod).status, 201);
  ASSERT_TRUE(
    pods
      .pod("p", [](const auto& x) { return x["status"]["phase"] == "Running"; })
      .is_object());
  stream log{k.at, k.at.path("pods/p/log?follow=true")};
  ASSERT_TRUE(log.wait([](const auto& x) { return x == "begin\n"; }));
  k.cluster.cut_logs();
  ASSERT_TRUE(log.wait_end());
  EXPECT_FALSE(log.complete());
}

TEST(ClusterTrouble, SilencesWatches) {
  running k;
  watch pods{k.at, "pods", "allowWatchBookmarks=true"};
  ASSERT_TRUE(pods.until([](const auto&) { return true; }).is_object());
  k.cluster.silence_watches(true);
  auto pod = script_pod("p", "true").dump();
  ASSERT_EQ(call(k.at, "POST", k.at.path("pods"), pod).status, 201);
  k.cluster.cut_watches();
  ASSERT_TRUE(pods.raw().wait_end());
  for (auto& event : pods.events())
    EXPECT_EQ(event["type"], "BOOKMARK");
}

TEST(ClusterTrouble, GivesListsBackwards) {
  running k;
  for (auto name : {"a", "b"})
    ASSERT_EQ(call(k.at, "POST", k.at.path("pods"),
                   script_pod(name, "sleep 600").dump())
                .status,
              201);
  k.cluster.mix_up(true);
  auto items = call(k.at, "GET", k.at.path("pods")).json()["items"];
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0]["metadata"]["name"], "b");
}

TEST(ClusterTrouble, HasAClockOfItsOwn) {
  running k;
  auto created = [&](const std::string& name) {
    auto pod = script_pod(name, "true").dump();
    return call(k.at, "POST", k.at.path("pods"), pod)
      .json()["metadata"]["creationTimestamp"]
      .get<std::string>();
  };
  auto now = created("a");
  k.cluster.skew_clock(std::chrono::hours{24 * 366});
  EXPECT_GT(created("b").substr(0, 4), now.substr(0, 4));
  k.cluster.skew_clock(-std::chrono::hours{24 * 366});
  EXPECT_LT(created("c").substr(0, 4), now.substr(0, 4));
}

TEST(ClusterTrouble, TakesNoMoreOfAKindAtATimeThanItIsTold) {
  running k;
  k.cluster.take_at_most("get", "version", 2);
  k.cluster.slow_down(std::chrono::milliseconds{500});
  std::vector<std::thread> callers;
  std::mutex mutex;
  std::map<long, int> answers;
  for (int i = 0; i < 6; ++i)
    callers.emplace_back([&] {
      auto answer = call(k.at, "GET", "/version");
      std::lock_guard lock{mutex};
      ++answers[answer.status];
      if (answer.status == 429) {
        EXPECT_EQ(answer.headers["Retry-After"], "1");
        EXPECT_EQ(answer.json()["reason"], "TooManyRequests");
      }
    });
  for (auto& caller : callers)
    caller.join();
  EXPECT_GE(answers[200], 2);
  EXPECT_EQ(answers[200] + answers[429], 6);
  EXPECT_GT(answers[429], 0);
  EXPECT_EQ(k.cluster.calls().size(), 6u) << "refused ones are counted too";
  k.cluster.slow_down(std::chrono::milliseconds{0});
  EXPECT_EQ(call(k.at, "GET", "/version").status, 200) << "places come back";
}

TEST(ClusterTrouble, HasAQuotaForPodsThatHaveNotEnded) {
  running k;
  k.cluster.set_pod_quota(1);
  watch pods{k.at, "pods"};
  create(k.at, script_pod("a", "sleep 600"));
  auto refused
    = call(k.at, "POST", k.at.path("pods"), script_pod("b", "true").dump());
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.message(),
            "pods \"b\" is forbidden: exceeded quota: scripts, requested: "
            "pods=1, used: pods=1, limited: pods=1");
  EXPECT_EQ(
    call(k.at, "POST", k.at.path("pods"), script_pod("a", "true").dump())
      .status,
    409);
  k.cluster.delete_pod("a", std::chrono::seconds{0});
  create(k.at, script_pod("c", "true"));
  ASSERT_TRUE(
    pods.pod("c", [](const auto& x) { return in_phase(x, "Succeeded"); })
      .is_object());
  create(k.at, script_pod("d", "true"));
}

TEST(ClusterTrouble, RefusesConnectionsForAWhile) {
  running k;
  k.cluster.cut_connections(std::chrono::hours{1});
  EXPECT_EQ(call(k.at, "GET", "/version").status, 0);
  k.cluster.cut_connections();
  EXPECT_EQ(call(k.at, "GET", "/version").status, 200);
}

TEST(ClusterTrouble, SurvivesRequestsInTheMiddleOfItsEnd) {
  for (int i = 0; i < 5; ++i) {
    auto k = std::make_unique<running>();
    watch pods{k->at, "pods", "allowWatchBookmarks=true"};
    create(k->at, script_pod("p", "while :; do echo x; done"));
    ASSERT_TRUE(
      pods.pod("p", [](const auto& x) { return in_phase(x, "Running"); })
        .is_object());
    stream log{k->at, k->at.path("pods/p/log?follow=true")};
    ASSERT_TRUE(log.wait([](const auto& text) { return !text.empty(); }));
    k.reset();
    EXPECT_TRUE(pods.raw().wait_end());
    EXPECT_TRUE(log.wait_end());
  }
}

} // namespace
