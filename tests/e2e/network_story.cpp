// What the chart's network policies let through, on a cluster that enforces
// them.

#include <fstream>

#include "tests/e2e/helm_stage.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;

const std::string scripts = "octopus.com/scriptTicketId";
const std::string worker = "agent.octopus.com/component=tentacle";
constexpr int probes = 8080;
constexpr int links = 8081;
// A port on which a script listens.
constexpr int of_script = 9090;

class NetworkStory : public HelmStage {
protected:
  void SetUp() override {
    poll_ceiling_ = 500ms;
    HelmStage::SetUp();
    if (!IsSkipped() && !HasFatalFailure() && !policies_are_enforced_)
      GTEST_SKIP() << "this cluster enforces no network policies";
  }

  // Its own policy for pods with a label; `rules` are the ingress rules.
  void allow_only(const json& labels, const json& rules) {
    json policy = {{"apiVersion", "networking.k8s.io/v1"},
                   {"kind", "NetworkPolicy"},
                   {"metadata", {{"name", "of-the-test"}}},
                   {"spec",
                    {{"podSelector", {{"matchLabels", labels}}},
                     {"policyTypes", {"Ingress"}},
                     {"ingress", rules}}}};
    auto file = folder_ / "policy.json";
    std::ofstream{file} << policy;
    auto made = kubectl({"apply", "-f", file.string()});
    ASSERT_EQ(made.code, 0) << made.text;
  }

  // Until it is so; a policy takes a moment.
  bool turns(bool reachable, const std::string& pod, const std::string& address,
             int port) {
    return eventually([&] { return reaches(pod, address, port) == reachable; },
                      40s);
  }

  void expect_ticks(const sim::script_result& result) {
    std::size_t next = 1;
    for (auto& line : result.lines)
      if (line.text.starts_with("tick ")) {
        EXPECT_EQ(line.text, "tick " + std::to_string(next++));
      }
    EXPECT_GT(next, 3u);
  }
};

const std::string ticking
  = "n=0; until [ -e \"$TentacleHome/go\" ]; do n=$((n+1)); echo tick $n; "
    "sleep 0.2; done; exit 3";

} // namespace

TEST_F(NetworkStory, ScriptsReachTheWorkersLinkAndStrangersReachNothing) {
  // (203.0.113.0/24 are addresses that nobody has)
  const auto policy = json::parse(R"({"cuttle": {"networkPolicy": {
    "enabled": true,
    "metricsFrom": [{"podSelector": {"matchLabels": {"role": "monitor"}}}],
    "scriptPodsEgress": [{"to": [{"ipBlock": {"cidr": "203.0.113.0/24"}}]}]
  }}})");
  ASSERT_NO_FATAL_FAILURE(make_pod("stranger"));
  ASSERT_NO_FATAL_FAILURE(make_pod("monitor", {{"role", "monitor"}}));
  ASSERT_NO_FATAL_FAILURE(install(policy));
  ASSERT_NO_FATAL_FAILURE(connect());
  // The kubelet's probes get through.
  auto ready = kubectl(
    {"rollout", "status", "deployment/octopus-agent-worker", "--timeout=90s"});
  ASSERT_EQ(ready.code, 0) << ready.text;
  auto at = address_of(worker);

  // (a policy takes a moment until it knows a new pod)
  auto server = "/dev/tcp/" + host_ + "/" + std::to_string(port_);
  auto script
    = start("busybox nc -ll -p " + std::to_string(of_script)
            + " -e true > /dev/null 2>&1 &\n"
              "for i in $(seq 40); do timeout 2 bash -c ': < "
            + server
            + "' 2> /dev/null || { echo not reached; break; }; sleep 0.5; "
              "done\n"
            + ticking);
  ASSERT_TRUE(script->sees("tick 3", 150s));
  EXPECT_TRUE(script->sees("not reached")) << "scripts may connect anywhere";
  // Its lines came over the link.
  EXPECT_EQ(metric("cuttle_runner_links"), 1);
  EXPECT_EQ(metric("cuttle_pod_log_readings_total"), 0);
  auto script_at = address_of(scripts);

  EXPECT_TRUE(reaches("monitor", at, probes));
  EXPECT_FALSE(reaches("monitor", at, links));
  EXPECT_FALSE(reaches("stranger", at, probes));
  EXPECT_FALSE(reaches("stranger", at, links));
  EXPECT_FALSE(reaches("stranger", script_at, of_script));
  EXPECT_FALSE(reaches("monitor", script_at, of_script));

  // Without the policies all of this is open: what was closed, they closed.
  auto opened = kubectl({"delete", "networkpolicies", "--all"});
  ASSERT_EQ(opened.code, 0) << opened.text;
  EXPECT_TRUE(turns(true, "stranger", at, probes));
  EXPECT_TRUE(turns(true, "stranger", at, links));
  EXPECT_TRUE(turns(true, "stranger", script_at, of_script));
  std::ofstream{home() / "go"};
  auto result = script->wait();
  EXPECT_EQ(result.exit_code, 3);
  expect_ticks(result);
}

TEST_F(NetworkStory, AClosedLinkLeavesTheOutputToThePodsLog) {
  ASSERT_NO_FATAL_FAILURE(make_pod("stranger"));
  ASSERT_NO_FATAL_FAILURE(install());
  ASSERT_NO_FATAL_FAILURE(connect());
  // Somebody else's policy, that knows nothing of the link's port.
  ASSERT_NO_FATAL_FAILURE(
    allow_only({{"agent.octopus.com/component", "tentacle"}},
               json::parse(R"([{"ports": [{"port": 8080}]}])")));
  auto at = address_of(worker);
  ASSERT_TRUE(turns(false, "stranger", at, links));
  EXPECT_TRUE(reaches("stranger", at, probes));

  auto script = start(ticking);
  ASSERT_TRUE(script->sees("tick 3", 150s));
  EXPECT_EQ(metric("cuttle_runner_links"), 0);
  EXPECT_GE(metric("cuttle_pod_log_readings_total").value_or(0), 1);
  std::ofstream{home() / "go"};
  auto result = script->wait();
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.trouble.code, errc::none) << result.trouble.text;
  expect_ticks(result);
}

} // namespace cuttle::test
