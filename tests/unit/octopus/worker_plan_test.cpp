#include <nlohmann/json.hpp>

#include "infra/octopus/worker_plan.hpp"

namespace cuttle::octopus {

namespace {

using nlohmann::json;
using action = worker_plan::action;

const std::string ours(40, 'A');
const std::string other(40, 'B');

worker_wish wish() {
  return {"k8s",       "Spaces-1",        ours,
          "poll://x/", {"WorkerPools-1"}, "MachinePolicies-1"};
}

worker_document existing(const std::string& thumbprint,
                         const std::string& style = "KubernetesTentacle") {
  json body{{"Id", "Workers-1"},
            {"Name", "K8s"},
            {"MachinePolicyId", "MachinePolicies-9"},
            {"WorkerPoolIds", {"WorkerPools-9"}},
            {"Unknown", {{"kept", true}}},
            {"Links", {{"Self", "/api/Spaces-1/workers/Workers-1"}}},
            {"Endpoint",
             {{"CommunicationStyle", style},
              {"Details", "kept"},
              {"UpgradeLocked", true},
              {"TentacleEndpointConfiguration",
               {{"CommunicationMode", "Polling"},
                {"Thumbprint", thumbprint},
                {"Uri", "poll://x/"}}}}}};
  return *read_worker(body.dump());
}

} // namespace

TEST(WorkerPlan, CreatesWithTheUpgradeLock_REG12) {
  auto plan = plan_worker(nullptr, wish(), {}, existing_worker::take_over);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->what, action::create);
  auto body = json::parse(plan->body);
  EXPECT_EQ(body, json::parse(R"({"Name":"k8s","SpaceId":"Spaces-1",
    "MachinePolicyId":"MachinePolicies-1","WorkerPoolIds":["WorkerPools-1"],
    "IsDisabled":false,"SkipInitialHealthCheck":false,"Links":{},
    "Endpoint":{"CommunicationStyle":"KubernetesTentacle",
    "UpgradeLocked":true,"DefaultNamespace":null,
    "TentacleEndpointConfiguration":{"CommunicationMode":"Polling",
    "Thumbprint":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "Uri":"poll://x/"}}})"));
}

TEST(WorkerPlan, LeavesARecordOfOursAloneUnlessSomethingChanged) {
  auto mine = existing(ours);
  auto plan = plan_worker(&mine, wish(), {}, existing_worker::take_over);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->what, action::nothing);
  plan = plan_worker(&mine, wish(), {true, true, true},
                     existing_worker::take_over);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->what, action::update);
  EXPECT_EQ(plan->changes, "name, pools, policy");
  EXPECT_TRUE(plan->taken_from.empty());
}

TEST(WorkerPlan, LocksUpgradesOfARecordOfOurs) {
  auto mine = existing(ours);
  mine.upgrade_locked = false;
  auto plan = plan_worker(&mine, wish(), {}, existing_worker::take_over);
  EXPECT_EQ(plan->changes, "upgrade lock");
  EXPECT_EQ(json::parse(plan->body)["Endpoint"]["UpgradeLocked"], true);
}

TEST(WorkerPlan, TakesOverTheEndpointAlone_REG13) {
  auto theirs = existing(other);
  auto plan = plan_worker(&theirs, wish(), {true, true, true},
                          existing_worker::take_over);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->changes, "endpoint");
  EXPECT_NE(plan->taken_from.find(other), std::string::npos);
  auto body = json::parse(plan->body);
  EXPECT_EQ(body["WorkerPoolIds"], json{"WorkerPools-9"});
  EXPECT_EQ(body["MachinePolicyId"], "MachinePolicies-9");
  EXPECT_EQ(body["Unknown"]["kept"], true);
  EXPECT_EQ(body["Endpoint"]["Details"], "kept");
  EXPECT_EQ(body["Endpoint"]["TentacleEndpointConfiguration"]["Thumbprint"],
            ours);
}

TEST(WorkerPlan, DoesNotHijackAWorkerOfAnotherKindUnlessForced) {
  auto theirs = existing(other, "TentaclePassive");
  auto plan = plan_worker(&theirs, wish(), {}, existing_worker::take_over);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().what, mistake::name_taken);
  plan = plan_worker(&theirs, wish(), {}, existing_worker::force);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->changes, "endpoint, name, pools, policy");
  EXPECT_EQ(json::parse(plan->body)["Endpoint"]["CommunicationStyle"],
            "KubernetesTentacle");
}

TEST(WorkerPlan, RefusesOrAdoptsWhenTold) {
  auto theirs = existing(other);
  EXPECT_EQ(
    plan_worker(&theirs, wish(), {}, existing_worker::refuse).error().what,
    mistake::name_taken);
  EXPECT_EQ(
    plan_worker(nullptr, wish(), {}, existing_worker::adopt).error().what,
    mistake::worker_not_found);
  auto plan = plan_worker(&theirs, wish(), {}, existing_worker::adopt);
  EXPECT_EQ(plan->changes, "endpoint");
}

} // namespace cuttle::octopus
