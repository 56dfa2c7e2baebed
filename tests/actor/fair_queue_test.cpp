// Who waits for a creation slot, and who is next.

#include <gtest/gtest.h>
#include <random>
#include <set>

#include "actor_fixture.hpp"
#include "actors/fair_queue.hpp"

namespace cuttle::test {

namespace {

std::vector<std::string> all_of(fair_queue& queue) {
  std::vector<std::string> result;
  while (auto key = queue.pop())
    result.push_back(*key);
  return result;
}

TEST(FairQueue, KeepsTheOrderOfOneTenant) {
  fair_queue queue;
  for (auto* key : {"a", "b", "c"})
    queue.push({"space", "project", ""}, key);
  EXPECT_EQ(all_of(queue), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_FALSE(queue.pop());
}

TEST(FairQueue, LetsSpacesProjectsAndTenantsTakeTurns) {
  fair_queue queue;
  queue.push({"s1", "p1", ""}, "1-1-a");
  queue.push({"s1", "p1", ""}, "1-1-b");
  queue.push({"s1", "p2", "t1"}, "1-2-1");
  queue.push({"s1", "p2", "t1"}, "1-2-1b");
  queue.push({"s1", "p2", "t2"}, "1-2-2");
  queue.push({"s2", "p1", ""}, "2-1");
  EXPECT_EQ(all_of(queue),
            (std::vector<std::string>{"1-1-a", "2-1", "1-2-1", "1-1-b", "1-2-2",
                                      "1-2-1b"}));
}

TEST(FairQueue, DelaysTheNextOfAnotherProjectByOneOfAFlood) {
  fair_queue queue;
  for (int i = 0; i < 1'000; ++i)
    queue.push({"space", "flood", ""}, "flood" + std::to_string(i));
  queue.push({"space", "other", ""}, "other");
  EXPECT_EQ(queue.before("other"), 1u);
  EXPECT_EQ(queue.before("flood999"), 1'000u);
  queue.pop();
  EXPECT_EQ(queue.pop(), "other");
}

TEST(FairQueue, TakesKeysOutAnywhere) {
  fair_queue queue;
  for (auto* key : {"a", "b", "c"})
    queue.push({"s", "p", ""}, key);
  queue.push({"s", "q", ""}, "d");
  EXPECT_TRUE(queue.erase("a"));
  EXPECT_TRUE(queue.erase("d"));
  EXPECT_FALSE(queue.erase("d"));
  EXPECT_FALSE(queue.before("d"));
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_EQ(all_of(queue), (std::vector<std::string>{"b", "c"}));
}

TEST(FairQueue, TakesAKeyOnce) {
  fair_queue queue;
  queue.push({"s", "p", ""}, "a");
  queue.push({"s", "q", ""}, "a");
  EXPECT_EQ(all_of(queue), std::vector<std::string>{"a"});
}

TEST(FairQueue, SaysHowManyLeaveBefore) {
  std::mt19937 random{11};
  for (int round = 0; round < 50; ++round) {
    fair_queue queue;
    std::set<std::string> keys;
    for (int i = 0; i < 60; ++i) {
      auto name = [&](unsigned n) { return std::to_string(random() % n); };
      auto key = std::to_string(i);
      queue.push({name(3), name(3), name(2)}, key);
      keys.insert(key);
      if (random() % 4 == 0)
        keys.erase(*queue.pop());
      if (random() % 5 == 0)
        if (auto victim = std::to_string(random() % 60); queue.erase(victim))
          keys.erase(victim);
    }
    ASSERT_EQ(queue.size(), keys.size());
    std::map<std::string, std::size_t> said;
    for (auto& key : keys)
      said[key] = queue.before(key).value();
    auto order = all_of(queue);
    ASSERT_EQ(order.size(), keys.size());
    for (std::size_t i = 0; i < order.size(); ++i)
      EXPECT_EQ(said[order[i]], i);
  }
}

class AdmissionTest : public intake_fixture {
protected:
  answer_ptr<script_status> start_for(const std::string& project, int number) {
    auto x = command({project + "-" + std::to_string(number)});
    x.auth = auth_context{"default", project, {}, "test", {}, "step"};
    return ask(intake, std::move(x));
  }

  // Lets the one creation that is under way end.
  void create_one() {
    store.serve();
    settle();
    ASSERT_EQ(cluster.creations.size(), 1u);
    cluster.accept_creation({store.prepared.back()});
    settle();
  }
};

TEST_F(AdmissionTest, AFloodingProjectStarvesNobody) {
  settings->creations_limit = 1;
  load();
  std::vector<answer_ptr<script_status>> flood;
  for (int i = 0; i < 200; ++i)
    flood.push_back(start_for("flood", i));
  settle();
  std::vector<answer_ptr<script_status>> others;
  for (auto* project : {"one", "two", "three"})
    others.push_back(start_for(project, 0));
  settle();
  EXPECT_EQ(summary().queued, 202u);
  // The one under way, and for each of the others one of the flood at most.
  for (int i = 0; i < 5; ++i)
    create_one();
  for (auto& x : others)
    EXPECT_TRUE(x->done);
  EXPECT_FALSE(flood.back()->done);
  for (int i = 5; i < 203; ++i)
    create_one();
  EXPECT_TRUE(flood.back()->done);
  EXPECT_EQ(summary().queued, 0u);
  EXPECT_EQ(cluster.created.size(), 203u);
}

TEST_F(AdmissionTest, TheTaskLogSaysPlaceAndReasonOfAWait) {
  settings->creations_limit = 1;
  load();
  auto first = start_for("p", 0);
  auto second = start_for("p", 1);
  auto third = start_for("p", 2);
  settle();
  for (int i = 0; i < 3; ++i)
    create_one();
  EXPECT_FALSE(says(*first->value, output_source::debug, "waits for its turn"));
  EXPECT_TRUE(says(*second->value, output_source::debug, "at place 1 of 1:"));
  EXPECT_TRUE(says(*third->value, output_source::debug, "at place 2 of 2:"));
  EXPECT_TRUE(
    says(*third->value, output_source::debug, "CUTTLE_CREATIONS_LIMIT"));
}

} // namespace

} // namespace cuttle::test
