// LIST and WATCH.

#include <algorithm>
#include <gtest/gtest.h>

#include "client.hpp"

using namespace cuttle::sim;
using namespace cuttle::sim::test;

namespace {

bool is_bookmark(const nlohmann::json& event) {
  return event["type"] == "BOOKMARK";
}

std::string version_of(const nlohmann::json& object) {
  return object["metadata"]["resourceVersion"];
}

/// Options with which pods stay as they were made.
embedded_cluster::options idle() {
  auto options = quick();
  options.processes = 0;
  return options;
}

TEST(ClusterList, SelectsByTheTicketLabel_MON01) {
  running k{idle()};
  create(k.at, script_pod("a", "true"));
  auto plain = script_pod("b", "true");
  plain["metadata"].erase("labels");
  create(k.at, plain);
  auto all = call(k.at, "GET", k.at.path("pods")).json();
  EXPECT_EQ(all["kind"], "PodList");
  EXPECT_EQ(all["items"].size(), 2u);
  auto some = call(k.at, "GET",
                   k.at.path("pods?labelSelector=octopus.com%2FscriptTicketId"))
                .json();
  ASSERT_EQ(some["items"].size(), 1u);
  EXPECT_EQ(some["items"][0]["metadata"]["name"], "a");
  EXPECT_EQ(call(k.at, "GET", k.at.path("pods?labelSelector=a+in+(b)")).status,
            400);
}

TEST(ClusterList, ComesInPages) {
  running k{idle()};
  for (const auto* name : {"a", "b", "c", "d", "e"})
    create(k.at, script_pod(name, "true"));
  std::vector<std::string> names;
  std::string token, version;
  int pages = 0;
  do {
    auto page
      = call(k.at, "GET", k.at.path("pods?limit=2&continue=" + token)).json();
    for (const auto& item : page["items"])
      names.push_back(item["metadata"]["name"]);
    if (version.empty())
      version = version_of(page);
    EXPECT_EQ(version_of(page), version);
    token = page["metadata"].value("continue", "");
    for (auto at = token.find('+'); at != token.npos; at = token.find('+'))
      token.replace(at, 1, "%2B");
    ++pages;
  } while (!token.empty());
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "c", "d", "e"}));
}

TEST(ClusterList, CanNotGoOnAfterACompaction) {
  running k{idle()};
  create(k.at, script_pod("a", "true"));
  create(k.at, script_pod("b", "true"));
  auto page = call(k.at, "GET", k.at.path("pods?limit=1")).json();
  k.cluster.compact();
  auto token = page["metadata"]["continue"].get<std::string>();
  auto next = call(k.at, "GET", k.at.path("pods?limit=1&continue=" + token));
  EXPECT_EQ(next.status, 410);
  EXPECT_EQ(call(k.at, "GET", k.at.path("pods?continue=nonsense")).status, 400);
}

TEST(ClusterWatch, GoesOnWhereAListEnded) {
  running k{idle()};
  create(k.at, script_pod("a", "true"));
  auto list = call(k.at, "GET", k.at.path("pods")).json();
  create(k.at, script_pod("b", "true"));
  watch pods{k.at, "pods", "resourceVersion=" + version_of(list)};
  // (the first pod may change meanwhile, but it is not new)
  auto first = pods.until([](const auto& x) { return x["type"] == "ADDED"; });
  EXPECT_EQ(first["object"]["metadata"]["name"], "b");
  k.cluster.delete_pod("a", std::chrono::seconds{0});
  auto gone = pods.until([](const auto& x) { return x["type"] == "DELETED"; });
  EXPECT_EQ(gone["object"]["metadata"]["name"], "a");
}

TEST(ClusterWatch, SendsBookmarksThatCanBeGoneOnFrom_MON02) {
  running k{idle()};
  watch pods{k.at, "pods", "allowWatchBookmarks=true"};
  // Changes of other resources move the bookmark as well.
  auto first = pods.until(is_bookmark);
  EXPECT_EQ(first["object"]["kind"], "Pod");
  k.cluster.put_config_map("m", {{"a", "b"}});
  auto next = pods.until([&](const auto& x) {
    return is_bookmark(x)
           && version_of(x["object"]) != version_of(first["object"]);
  });
  ASSERT_TRUE(next.is_object());
  create(k.at, script_pod("a", "true"));
  watch again{k.at, "pods", "resourceVersion=" + version_of(next["object"])};
  auto added = again.until([](const auto&) { return true; });
  EXPECT_EQ(added["type"], "ADDED");
}

TEST(ClusterWatch, EndsInGoodOrderWithABookmark) {
  auto options = idle();
  options.bookmark_interval = std::chrono::hours{1};
  running k{options};
  watch pods{k.at, "pods", "allowWatchBookmarks=true&timeoutSeconds=1"};
  ASSERT_TRUE(pods.raw().wait_end());
  EXPECT_TRUE(pods.raw().complete());
  ASSERT_EQ(pods.events().size(), 1u);
  EXPECT_TRUE(is_bookmark(pods.events()[0]));
}

TEST(ClusterWatch, HasNoBookmarksUnlessAskedFor) {
  running k{idle()};
  watch pods{k.at, "pods", "timeoutSeconds=1"};
  ASSERT_TRUE(pods.raw().wait_end());
  EXPECT_TRUE(pods.events().empty());
}

TEST(ClusterWatch, IsToldWhenItsVersionIsGone_MON03) {
  running k{idle()};
  watch pods{k.at, "pods", "allowWatchBookmarks=true"};
  auto seen = pods.until(is_bookmark);
  ASSERT_TRUE(seen.is_object());
  k.cluster.compact();
  auto error = pods.until([](const auto& x) { return x["type"] == "ERROR"; });
  EXPECT_EQ(error["object"]["kind"], "Status");
  EXPECT_EQ(error["object"]["code"], 410);
  ASSERT_TRUE(pods.raw().wait_end());
  auto refused = call(
    k.at, "GET",
    k.at.path("pods?watch=true&resourceVersion=" + version_of(seen["object"])));
  EXPECT_EQ(refused.status, 410);
  EXPECT_EQ(refused.json()["reason"], "Expired");
}

TEST(ClusterWatch, ForgetsOldVersionsByItself) {
  auto options = idle();
  options.history = 3;
  running k{options};
  for (const auto* name : {"a", "b", "c", "d", "e"})
    create(k.at, script_pod(name, "true"));
  EXPECT_EQ(
    call(k.at, "GET", k.at.path("pods?watch=1&resourceVersion=1")).status, 410);
}

TEST(ClusterWatch, TellsEventsOfPods) {
  running k;
  watch events{k.at, "events", "fieldSelector=involvedObject.kind%3DPod"};
  auto pod = create(k.at, script_pod("p", "true"));
  auto started = events.until(
    [](const auto& x) { return x["object"]["reason"] == "Started"; });
  const auto& event = started["object"];
  EXPECT_EQ(event["involvedObject"]["uid"], pod["metadata"]["uid"]);
  EXPECT_EQ(event["type"], "Normal");
  EXPECT_EQ(event["count"], 1);
  EXPECT_EQ(event["message"], "Started container p");
  EXPECT_TRUE(event["lastTimestamp"].is_string());
  auto scheduled = events.until(
    [](const auto& x) { return x["object"]["reason"] == "Scheduled"; });
  EXPECT_TRUE(scheduled["object"]["eventTime"].is_string());
  EXPECT_TRUE(scheduled["object"]["lastTimestamp"].is_null());
}

} // namespace
