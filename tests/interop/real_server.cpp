// A Cuttle worker, run as a program on the embedded cluster, with the real
// server library.

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <thread>

#include "infra/settings/settings.hpp"
#include "infra/sim/embedded_cluster.hpp"
#include "tests/folders.hpp"
#include "tests/interop/child_process.hpp"
#include "tests/interop/peer.hpp"
#include "tests/interop/relay.hpp"
#include "tests/unit/sim_octopus/scripted_worker.hpp"

namespace cuttle::interop {

namespace {

using words = std::vector<std::string>;

constexpr auto namespace_name = "octopus-worker-interop";

// The value of a member of a line of JSON, as text; empty if it is not there.
std::string member(const std::string& line, const std::string& name) {
  auto begin = line.find("\"" + name + "\":");
  if (begin == std::string::npos)
    return {};
  begin += name.size() + 3;
  if (line[begin] == '"')
    return line.substr(begin + 1, line.find('"', begin + 1) - begin - 1);
  return line.substr(begin, line.find_first_of(",}", begin) - begin);
}

words lines_of(const std::string& text) {
  std::istringstream stream{text};
  words result;
  for (std::string line; std::getline(stream, line);)
    result.push_back(line);
  return result;
}

} // namespace

class RealServer : public testing::Test {
protected:
  void SetUp() override {
    if (!peer_program())
      GTEST_SKIP() << "CUTTLE_INTEROP_PEER is not set.";
    home_ = folder_.path() / "home";
    std::filesystem::create_directory(home_);
    sim::embedded_cluster::options options;
    options.directory = folder_.path() / "cluster";
    options.namespace_name = namespace_name;
    cluster_ = std::make_unique<sim::embedded_cluster>(options);
    auto port = cluster_->start();
    ASSERT_TRUE(port) << port.error().text;
    thumbprint_ = make_identity("server", pfx());
  }

  // Starts the real server and lets the relay lead to it.
  void start_server(words scenarios, words more = {}) {
    words arguments{"dotnet",
                    *peer_program(),
                    "server",
                    "--port",
                    "0",
                    "--cert",
                    pfx(),
                    "--subscription",
                    subscription_,
                    "--worker-thumbprint",
                    sim::worker_identity().thumbprint(),
                    "--scenario"};
    arguments.insert(arguments.end(), scenarios.begin(), scenarios.end());
    arguments.insert(arguments.end(), more.begin(), more.end());
    server_.reset();
    server_ = std::make_unique<child_process>(
      arguments, std::map<std::string, std::string>{},
      folder_.path() / "peer.txt");
    std::string port;
    ASSERT_TRUE(server_->wait_for_output([&](const std::string& text) {
      for (auto& line : lines_of(text))
        if (member(line, "event") == "listening")
          port = member(line, "port");
      return !port.empty();
    }))
      << server_->output();
    relay_.lead_to(static_cast<std::uint16_t>(std::stoi(port)));
  }

  void start_worker(const std::map<std::string, std::string>& more = {}) {
    store_settings();
    auto all = environment();
    all.insert(more.begin(), more.end());
    worker_ = std::make_unique<child_process>(
      words{cuttle_program(), "run", "--kubeconfig",
            cluster_->kubeconfig().string()},
      all, folder_.path() / "worker.txt");
  }

  // Starts a worker that the real server dials; the port that it listens on.
  std::uint16_t start_listening_worker() {
    start_worker(
      {{"CUTTLE_LISTEN_PORT", "0"}, {"CUTTLE_LISTEN_BIND", "127.0.0.1"}});
    const std::string mark = "listening-for-servers port=";
    auto port = 0;
    EXPECT_TRUE(worker_->wait_for_output([&](const std::string& text) {
      auto at = text.find(mark);
      auto whole
        = at != std::string::npos && text.find('\n', at) != std::string::npos;
      port = whole ? std::stoi(text.substr(at + mark.size())) : 0;
      return whole;
    }))
      << worker_->output();
    return static_cast<std::uint16_t>(port);
  }

  // Lets the server come to its end, and reports each check that fails.
  void finish() {
    auto code = server_->wait();
    auto checks = 0;
    for (auto& line : lines_of(server_->output())) {
      auto pass = member(line, "pass");
      checks += pass == "true" ? 1 : 0;
      EXPECT_NE(pass, "false") << line;
      if (!member(line, "note").empty())
        std::cout << line << "\n";
    }
    EXPECT_EQ(code, 0);
    EXPECT_GT(checks, 0);
    std::cout << checks << " checks passed\n";
    if (HasFailure())
      std::cerr << server_->output() << worker_->output();
    EXPECT_EQ(worker_->stop(), 0) << worker_->output();
    EXPECT_EQ(cluster_->pods(), words{});
  }

  void run(words scenarios, words more = {}) {
    start_server(std::move(scenarios), std::move(more));
    start_worker();
    finish();
  }

  relay relay_;
  std::unique_ptr<child_process> server_;
  std::unique_ptr<child_process> worker_;

private:
  // What a registration leaves behind, with an identity that the server knows.
  void store_settings() {
    settings::trusted_server server;
    server.thumbprint = thumbprint_;
    server.host = "127.0.0.1";
    server.port = relay_.port();
    server.subscription = subscription_;
    auto secret = settings::new_machine_keys();
    auto bytes = [&](const char* name) {
      auto& text = secret.at(name);
      return crypto::bytes{text.begin(), text.end()};
    };
    auto config = settings::identity_entries(
      sim::worker_identity(), bytes("machine-key"), bytes("machine-iv"));
    config["Tentacle.Services.IsRegistered"] = "true";
    config["Tentacle.Services.NoListen"] = "true";
    config["Tentacle.Communication.TrustedOctopusServers"]
      = trust_both_ways(settings::trusted_servers_json({server}));
    cluster_->put_config_map("tentacle-config", config);
    cluster_->put_secret("tentacle-secret", secret);
  }

  // The server is polled, and may dial in as well.
  std::string trust_both_ways(std::string servers) const {
    servers.pop_back();
    return servers + R"(,{"Thumbprint":")" + thumbprint_
           + R"(","CommunicationStyle":1}])";
  }

  std::string pfx() const {
    return (folder_.path() / "server.pfx").string();
  }

  std::map<std::string, std::string> environment() const {
    std::string prefix{"OCTOPUS__K8STENTACLE__"};
    return {
      {prefix + "NAMESPACE", namespace_name},
      {prefix + "PODSERVICEACCOUNTNAME", "octopus-agent-scripts"},
      {prefix + "PODVOLUMECLAIMNAME", "interop"},
      {prefix + "HELMRELEASENAME", "interop"},
      {prefix + "HELMCHARTVERSION", CUTTLE_VERSION},
      {prefix + "PERSISTENTVOLUMESIZE", "10Gi"},
      {prefix + "SCRIPTPODIMAGE", "interop"},
      {prefix + "SCRIPTPODIMAGETAG", "1"},
      {"BOOTSTRAPRUNNEREXECUTABLEDIRECTORY", runner_folder() + "/"},
      {"TentacleHome", home_.string()},
      {"TentaclePollingConnectionCount", "5"},
      {"CUTTLE_HTTP_BIND", "127.0.0.1"},
      {"CUTTLE_HTTP_PORT", "0"},
    };
  }

  sim::temporary_folder folder_;
  std::filesystem::path home_;
  std::unique_ptr<sim::embedded_cluster> cluster_;
  std::string subscription_ = sim::make_subscription();
  std::string thumbprint_;
};

TEST_F(RealServer, FindsAWorkerThatPassesAllScenarios) {
  run({"all"});
}

TEST_F(RealServer, SeesTheWorkerComeBackWithAllConnections) {
  run({"connections,reconnect,script"}, {"--connections", "5"});
}

TEST_F(RealServer, DialsAWorkerThatListensAndPassesAllScenarios) {
  auto port = start_listening_worker();
  start_server({"all"},
               {"--worker-address", "127.0.0.1:" + std::to_string(port)});
  finish();
}

// Every connection that the worker makes at first breaks at another point:
// in the TLS handshake, the identities, a request, a response, a stream.
TEST_F(RealServer, LosesNothingWhenConnectionsBreakAtEveryPhase) {
  auto plan = cuts_at_every_phase();
  relay_.cut_at(plan);
  start_server({"lossless"}, {"--count", "150", "--parallel", "20"});
  start_worker();
  finish();
  EXPECT_EQ(relay_.cuts(), plan.size());
}

TEST_F(RealServer, LosesNothingWhenConnectionsToAListeningWorkerBreak) {
  auto plan = cuts_at_every_phase();
  relay_.cut_at(plan);
  auto port = start_listening_worker();
  start_server({"lossless"},
               {"--count", "150", "--parallel", "20", "--worker-address",
                "127.0.0.1:" + std::to_string(relay_.port())});
  relay_.lead_to(port);
  finish();
  EXPECT_EQ(relay_.cuts(), plan.size());
}

// Killed while 20 MB go to the worker, and again while they come back.
TEST_F(RealServer, IsServedAgainAfterItWasKilledInMidMessage) {
  start_server({"large-transfer"});
  start_worker();
  for (auto way : {way::down, way::up}) {
    auto before = relay_.carried(way);
    auto until = std::chrono::steady_clock::now() + sim::patience;
    while (relay_.carried(way) < before + 3'000'000
           && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    ASSERT_GE(relay_.carried(way), before + 3'000'000);
    server_->kill();
    relay_.lead_to(0);
    start_server({"large-transfer,script,fifty"});
  }
  finish();
}

} // namespace cuttle::interop
