#include <gtest/gtest.h>

#include "infra/sim/cluster_store.hpp"

using namespace cuttle::sim;

namespace {

nlohmann::json pod(const std::string& name, const std::string& ticket = {}) {
  nlohmann::json result{{"kind", "Pod"}, {"metadata", {{"name", name}}}};
  if (!ticket.empty())
    result["metadata"]["labels"]["ticket"] = ticket;
  return result;
}

std::optional<api_error> set_a(nlohmann::json& object) {
  object["a"] = 1;
  return std::nullopt;
}

selector with_ticket() {
  return *selector::parse("ticket", "");
}

TEST(ClusterStore, GivesEachChangeARisingVersion) {
  cluster_store store{"ns", 10};
  auto first = *store.create("pods", pod("a"));
  auto second = *store.create("secrets", pod("b"));
  auto third = *store.update("pods", "a", {}, set_a);
  EXPECT_LT(first->version, second->version);
  EXPECT_LT(second->version, third->version);
  EXPECT_EQ(third->value["metadata"]["resourceVersion"],
            std::to_string(third->version));
  EXPECT_EQ(third->uid, first->uid);
}

TEST(ClusterStore, RefusesASecondObjectOfTheSameName) {
  cluster_store store{"ns", 10};
  ASSERT_TRUE(store.create("pods", pod("a")));
  auto again = store.create("pods", pod("a"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, 409u);
  EXPECT_EQ(again.error().reason, "AlreadyExists");
  EXPECT_EQ(again.error().message, "pods \"a\" already exists");
}

TEST(ClusterStore, MakesNoVersionForAnUpdateThatChangesNothing) {
  cluster_store store{"ns", 10};
  auto first = *store.create("pods", pod("a"));
  auto same = store.update("pods", "a", {}, [](nlohmann::json&) {
    return std::optional<api_error>{};
  });
  EXPECT_EQ((*same)->version, first->version);
}

TEST(ClusterStore, UpdatesAndRemovesOnlyTheObjectWithTheGivenUid) {
  cluster_store store{"ns", 10};
  auto first = *store.create("pods", pod("a"));
  EXPECT_FALSE(store.update("pods", "a", "other", set_a));
  EXPECT_EQ(store.remove("pods", "a", "other"), nullptr);
  EXPECT_NE(store.remove("pods", "a", first->uid), nullptr);
  EXPECT_EQ(store.find("pods", "a"), nullptr);
}

TEST(ClusterStore, TellsWhatHappenedAfterAVersion) {
  cluster_store store{"ns", 10};
  auto start = store.version();
  ASSERT_TRUE(store.create("pods", pod("a")));
  ASSERT_TRUE(store.update("pods", "a", {}, set_a));
  auto last = store.remove("pods", "a");
  auto news = store.changes("pods", selector{}, start);
  ASSERT_TRUE(news);
  ASSERT_EQ(news->events.size(), 3u);
  EXPECT_EQ(news->events[0].type, "ADDED");
  EXPECT_EQ(news->events[1].type, "MODIFIED");
  EXPECT_EQ(news->events[2].type, "DELETED");
  EXPECT_EQ(news->events[2].object->version, last->version);
  EXPECT_EQ(news->version, last->version);
  EXPECT_TRUE(store.changes("pods", selector{}, news->version)->events.empty());
}

TEST(ClusterStore, DeletesForASelectorWhatNoLongerMatchesIt) {
  cluster_store store{"ns", 10};
  ASSERT_TRUE(store.create("pods", pod("a", "T1")));
  ASSERT_TRUE(store.create("pods", pod("b")));
  auto start = store.version();
  ASSERT_TRUE(store.update("pods", "a", {}, [](nlohmann::json& x) {
    x["metadata"].erase("labels");
    return std::optional<api_error>{};
  }));
  ASSERT_TRUE(store.update("pods", "b", {}, [](nlohmann::json& x) {
    x["metadata"]["labels"]["ticket"] = "T2";
    return std::optional<api_error>{};
  }));
  auto news = store.changes("pods", with_ticket(), start);
  ASSERT_EQ(news->events.size(), 2u);
  EXPECT_EQ(news->events[0].type, "DELETED");
  EXPECT_EQ(news->events[1].type, "ADDED");
}

TEST(ClusterStore, RefusesAVersionThatItHasForgotten) {
  cluster_store store{"ns", 2};
  auto start = store.version();
  for (const auto* name : {"a", "b", "c"})
    ASSERT_TRUE(store.create("pods", pod(name)));
  auto news = store.changes("pods", selector{}, start);
  ASSERT_FALSE(news);
  EXPECT_EQ(news.error().code, 410u);
  EXPECT_EQ(news.error().reason, "Expired");
  EXPECT_TRUE(store.changes("pods", selector{}, start + 1));
}

TEST(ClusterStore, ForgetsEverythingWhenCompacted) {
  cluster_store store{"ns", 10};
  ASSERT_TRUE(store.create("pods", pod("a")));
  auto now = store.version();
  store.compact();
  EXPECT_FALSE(store.changes("pods", selector{}, now));
  EXPECT_TRUE(store.changes("pods", selector{}, store.version()));
  EXPECT_EQ(store.list("pods", selector{}).items.size(), 1u);
}

TEST(ClusterStore, CutsALongHistoryIntoBatchesWithoutAGap) {
  cluster_store store{"ns", 5'000};
  auto at = store.version();
  for (int i = 0; i < 1'200; ++i)
    ASSERT_TRUE(store.create("pods", pod(std::to_string(i))));
  std::size_t seen = 0;
  for (;;) {
    auto news = store.changes("pods", selector{}, at);
    ASSERT_TRUE(news);
    if (news->events.empty())
      break;
    seen += news->events.size();
    at = news->version;
  }
  EXPECT_EQ(seen, 1'200u);
}

TEST(ClusterStore, ListsInPagesInOrderOfNames) {
  cluster_store store{"ns", 10};
  for (const auto* name : {"c", "a", "b"})
    ASSERT_TRUE(store.create("pods", pod(name)));
  auto first = store.list("pods", selector{}, 2);
  ASSERT_EQ(first.items.size(), 2u);
  EXPECT_EQ(first.items[0]->name, "a");
  EXPECT_TRUE(first.more);
  auto second = store.list("pods", selector{}, 2, "b");
  ASSERT_EQ(second.items.size(), 1u);
  EXPECT_EQ(second.items[0]->name, "c");
  EXPECT_FALSE(second.more);
}

TEST(ClusterStore, CallsOutAfterEachChange) {
  cluster_store store{"ns", 10};
  int calls = 0;
  // Would hang if the store called under its lock.
  store.on_change([&] {
    ++calls;
    (void)store.version();
  });
  ASSERT_TRUE(store.create("pods", pod("a")));
  store.remove("pods", "a");
  store.compact();
  EXPECT_EQ(calls, 3);
}

} // namespace
