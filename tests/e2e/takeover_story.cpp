// A release of the stock chart (its objects, played by stock-chart) becomes one
// of ours and goes back.

#include <fstream>

#include "tests/e2e/helm_stage.hpp"
#include "tests/folders.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;

struct object_name {
  const char* kind;
  const char* name;
};

// What both charts have under the same name, and what must live on.
const object_name shared[] = {
  {"configmap", "tentacle-config"},
  {"configmap", "kubernetes-agent-metrics"},
  {"secret", "tentacle-secret"},
  {"secret", "octopus-agent-tentacle-server-auth"},
  {"serviceaccount", "octopus-agent-tentacle"},
  {"serviceaccount", "octopus-agent-scripts"},
  {"serviceaccount", "octopus-agent-auto-upgrader"},
  {"persistentvolumeclaim", "octopus-agent-shop-pvc"},
  {"role", "octopus-agent-tentacle-role"},
  {"rolebinding", "octopus-agent-tentacle-binding"},
  {"role", "octopus-agent-scripts-shop-worker-role"},
  {"rolebinding", "octopus-agent-scripts-shop-worker-binding"},
};

class TakeOver : public HelmStage {
protected:
  // Uids of what is shared: another one means that it was made anew.
  std::map<std::string, json> uids() {
    std::map<std::string, json> result;
    for (auto& x : shared) {
      auto object = get(x.kind, x.name);
      result[std::string{x.kind} + "/" + x.name]
        = object.is_object() ? object["metadata"]["uid"] : json{};
    }
    return result;
  }

  // Who the worker is, as it is stored.
  json identity() {
    auto config = get("configmap", "tentacle-config");
    auto secret = get("secret", "tentacle-secret");
    json result{{"machine", secret["data"]}};
    for (auto* key : {"Tentacle.CertificateThumbprint", "Tentacle.Certificate",
                      "Tentacle.Communication.TrustedOctopusServers",
                      "Tentacle.Services.IsRegistered"})
      result[key] = config["data"].value(key, json{});
    return result;
  }

  void expect_alone(const std::string& deployment, const std::string& other) {
    auto ready = kubectl(
      {"rollout", "status", "deployment/" + deployment, "--timeout=120s"});
    ASSERT_EQ(ready.code, 0) << ready.text;
    EXPECT_TRUE(get("deployment", other).is_null()) << other;
    EXPECT_TRUE(eventually(
      [&] {
        return list("pods", "agent.octopus.com/component=tentacle").size() == 1;
      },
      90s))
      << "two workers";
  }

  // One script to its end; what it finds on the volume.
  void expect_works(const std::string& mark) {
    auto script = start("cat \"$TentacleHome/kept\" && echo works " + mark);
    auto result = script->wait();
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_TRUE(script->sees("kept by the first one"));
    EXPECT_TRUE(script->sees("works " + mark));
  }
};

} // namespace

TEST_F(TakeOver, AStockReleaseBecomesOursAndGoesBackWithItsIdentity) {
  ASSERT_NO_FATAL_FAILURE(install(json::object(), stock_chart_folder()));
  ASSERT_NO_FATAL_FAILURE(connect());
  ASSERT_EQ(kubectl({"rollout", "status", "deployment/octopus-agent-tentacle",
                     "--timeout=90s"})
              .code,
            0);
  auto before = start("echo kept by the first one > \"$TentacleHome/kept\"; "
                      "echo begun\n"
                      "until [ -e \"$TentacleHome/go\" ]; do sleep 0.1; done\n"
                      "echo ended; exit 5");
  ASSERT_TRUE(before->sees("begun", 120s));
  auto was = identity();
  EXPECT_EQ(was["Tentacle.Services.IsRegistered"], "true") << was;
  auto had = uids();
  for (auto& [name, uid] : had)
    EXPECT_TRUE(uid.is_string()) << name;
  auto records = rest_->workers("Spaces-1");
  ASSERT_EQ(records.size(), 1u);
  rest_->forget_calls();

  // Over to ours, while a script runs. (What the stock worker made on the
  // volume is root's.)
  const json ours{{"cuttle", {{"podSecurity", "stock"}}}};
  auto upgraded
    = upgrade(chart_folder(), ours, {"--wait", "--timeout", "150s"});
  ASSERT_EQ(upgraded.code, 0) << upgraded.text;
  ASSERT_NO_FATAL_FAILURE(
    expect_alone("octopus-agent-worker", "octopus-agent-tentacle"));
  EXPECT_EQ(uids(), had);
  EXPECT_EQ(identity(), was);
  EXPECT_EQ(rest_->workers("Spaces-1"), records);
  EXPECT_TRUE(rest_->calls().empty()) << "it has registered again";
  EXPECT_EQ(
    get("persistentvolumeclaim", "octopus-agent-shop-pvc")["status"]["phase"],
    "Bound");
  EXPECT_TRUE(
    get("clusterrolebinding", "octopus-agent-auto-upgrader-shop-binding")
      .is_null())
    << "rights for the whole cluster are left";
  std::ofstream{home() / "go"};
  EXPECT_EQ(before->wait().exit_code, 5);
  EXPECT_TRUE(before->sees("ended"));
  ASSERT_NO_FATAL_FAILURE(expect_works("as ours"));

  // And back.
  auto back = helm({"rollback", release(), "1", "--wait", "--timeout", "150s"});
  ASSERT_EQ(back.code, 0) << back.text;
  ASSERT_NO_FATAL_FAILURE(
    expect_alone("octopus-agent-tentacle", "octopus-agent-worker"));
  EXPECT_EQ(uids(), had);
  EXPECT_EQ(identity(), was);
  ASSERT_NO_FATAL_FAILURE(expect_works("as before"));
}

TEST_F(TakeOver, AnUpgradeThatFailsGivesTheStockReleaseBackByItself) {
  ASSERT_NO_FATAL_FAILURE(install(json::object(), stock_chart_folder()));
  ASSERT_NO_FATAL_FAILURE(connect());
  auto was = identity();
  auto had = uids();
  // An image that is nowhere: the new worker never gets ready.
  auto upgraded = upgrade(
    chart_folder(),
    {{"agent", {{"image", {{"tag", "no-such"}, {"pullPolicy", "Never"}}}}},
     {"cuttle", {{"podSecurity", "stock"}}}},
    {"--atomic", "--timeout", "20s"});
  EXPECT_NE(upgraded.code, 0) << upgraded.text;
  ASSERT_NO_FATAL_FAILURE(
    expect_alone("octopus-agent-tentacle", "octopus-agent-worker"));
  EXPECT_EQ(uids(), had);
  EXPECT_EQ(identity(), was);
  auto script = start("echo still here");
  EXPECT_EQ(script->wait().exit_code, 0);
}

// What the server's script does, with the account that its pod would have.
TEST_F(TakeOver, TheUpgradersAccountCanNotBringAnotherChart) {
  ASSERT_NO_FATAL_FAILURE(install());
  ASSERT_NO_FATAL_FAILURE(connect());
  auto had = uids();
  const std::string as = "--kube-as-user=system:serviceaccount:" + name_space()
                         + ":octopus-agent-auto-upgrader";
  auto deployment = [&] { return get("deployment", "octopus-agent-worker"); };
  auto generation = deployment()["metadata"]["generation"];
  auto foreign = upgrade(stock_chart_folder(), json::object(),
                         {as, "--atomic", "--timeout", "60s"});
  EXPECT_NE(foreign.code, 0) << foreign.text;
  EXPECT_NE(foreign.text.find("forbidden"), std::string::npos) << foreign.text;
  EXPECT_NE(foreign.text.find("octopus-agent-auto-upgrader"), std::string::npos)
    << foreign.text;
  EXPECT_EQ(deployment()["metadata"]["generation"], generation);
  EXPECT_TRUE(get("deployment", "octopus-agent-tentacle").is_null());
  EXPECT_EQ(uids(), had);
  // It is no half-done upgrade either: the release says deployed.
  auto status = helm({"status", release()});
  EXPECT_NE(status.text.find("STATUS: deployed"), std::string::npos)
    << status.text;
  EXPECT_NE(status.text.find("REVISION: 1"), std::string::npos) << status.text;

  // With the rights for it, it upgrades with this chart ...
  const json rights{{"cuttle", {{"autoUpgrader", {{"rights", "namespace"}}}}}};
  auto given = upgrade(chart_folder(), rights, {"--wait", "--timeout", "120s"});
  ASSERT_EQ(given.code, 0) << given.text;
  auto more = rights;
  more["agent"]["pollingConnectionCount"] = 2;
  auto own
    = upgrade(chart_folder(), more, {as, "--atomic", "--timeout", "120s"});
  EXPECT_EQ(own.code, 0) << own.text;
  EXPECT_GT(deployment()["metadata"]["generation"], generation);
  auto image
    = deployment()["spec"]["template"]["spec"]["containers"][0]["image"];

  // ... and one that fails goes back by itself.
  auto broken = more;
  broken["agent"]["image"] = {{"tag", "no-such"}, {"pullPolicy", "Never"}};
  auto failed
    = upgrade(chart_folder(), broken, {as, "--atomic", "--timeout", "20s"});
  EXPECT_NE(failed.code, 0) << failed.text;
  ASSERT_NO_FATAL_FAILURE(
    expect_alone("octopus-agent-worker", "octopus-agent-tentacle"));
  EXPECT_EQ(deployment()["spec"]["template"]["spec"]["containers"][0]["image"],
            image);
  EXPECT_EQ(start("echo still here")->wait().exit_code, 0);
}

} // namespace cuttle::test
