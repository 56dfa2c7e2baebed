// A Cuttle worker, run as a program on the embedded cluster, with the real
// server library.

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "infra/settings/settings.hpp"
#include "infra/sim/embedded_cluster.hpp"
#include "tests/interop/child_process.hpp"
#include "tests/interop/peer.hpp"
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
  }

  // Runs the scenarios and reports each check that fails.
  void run(words scenarios) {
    auto pfx = (folder_.path() / "server.pfx").string();
    auto output = folder_.path() / "peer.txt";
    words arguments{"dotnet",
                    *peer_program(),
                    "server",
                    "--port",
                    "0",
                    "--cert",
                    pfx,
                    "--subscription",
                    subscription_,
                    "--worker-thumbprint",
                    sim::worker_identity().thumbprint(),
                    "--scenario"};
    arguments.insert(arguments.end(), scenarios.begin(), scenarios.end());
    child_process server{arguments, {}, output};
    std::string listening;
    ASSERT_TRUE(server.wait_for_output([&](const std::string& text) {
      for (auto& line : lines_of(text))
        if (member(line, "event") == "listening")
          listening = line;
      return !listening.empty();
    }))
      << server.output();
    store_settings(
      member(listening, "thumbprint"),
      static_cast<std::uint16_t>(std::stoi(member(listening, "port"))));
    auto log = folder_.path() / "worker.txt";
    child_process worker{{CUTTLE_INTEROP_PROGRAM, "run", "--kubeconfig",
                          cluster_->kubeconfig().string()},
                         environment(),
                         log};
    auto code = server.wait();
    auto checks = 0;
    for (auto& line : lines_of(server.output())) {
      auto pass = member(line, "pass");
      checks += pass == "true" ? 1 : 0;
      EXPECT_NE(pass, "false") << line;
      if (!member(line, "note").empty())
        std::cout << line << "\n";
    }
    EXPECT_EQ(code, 0);
    EXPECT_GT(checks, 0);
    RecordProperty("checks", checks);
    if (HasFailure())
      std::cerr << server.output() << worker.output();
    EXPECT_EQ(worker.stop(), 0) << worker.output();
    EXPECT_EQ(cluster_->pods(), words{});
  }

private:
  // What a registration leaves behind, with an identity that the server knows.
  void store_settings(const std::string& thumbprint, std::uint16_t port) {
    settings::trusted_server server;
    server.thumbprint = thumbprint;
    server.host = "127.0.0.1";
    server.port = port;
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
      = settings::trusted_servers_json({server});
    cluster_->put_config_map("tentacle-config", config);
    cluster_->put_secret("tentacle-secret", secret);
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
      {"BOOTSTRAPRUNNEREXECUTABLEDIRECTORY", CUTTLE_INTEROP_RUNNER},
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
};

TEST_F(RealServer, FindsAWorkerThatPassesAllScenarios) {
  run({"all"});
}

TEST_F(RealServer, SeesTheWorkerComeBackWithAllConnections) {
  run({"connections,reconnect,script", "--connections", "5"});
}

} // namespace cuttle::interop
