// What a registration leaves, and what it costs to repeat it.

#include <fstream>
#include <nlohmann/json.hpp>

#include "fixture.hpp"
#include "programs/cuttle/register_state.hpp"

namespace cuttle::test {

using kind = register_result::kind;
using nlohmann::json;
using strings = std::vector<std::string>;

namespace {

class Register : public Registration {
protected:
  kind what() {
    auto result = run();
    EXPECT_TRUE(result) << result.error().text;
    if (result && result->what == kind::kept)
      sentence = result->why.text;
    return result ? result->what : kind::kept;
  }

  json worker(std::size_t at = 0) {
    auto all = rest->workers("Spaces-1");
    return at < all.size() ? json::parse(all[at]) : json{};
  }

  strings writes() {
    strings result;
    for (auto& x : rest->calls())
      if (!x.starts_with("GET") && x.find("/handshake") == std::string::npos)
        result.push_back(x);
    return result;
  }
};

} // namespace

TEST_F(Register, StoresWhatAWorkerNeedsToPoll_REG07) {
  EXPECT_EQ(what(), kind::registered);
  auto config = stored();
  EXPECT_EQ(config["Tentacle.Services.IsRegistered"], "true");
  EXPECT_EQ(config["Tentacle.Services.NoListen"], "true");
  EXPECT_EQ(config["Octopus.Home"], "/octopus");
  EXPECT_GE(std::stoi(config["Tentacle.Communication.PollingConnectionCount"]),
            5);
  auto servers
    = json::parse(config["Tentacle.Communication.TrustedOctopusServers"]);
  ASSERT_EQ(servers.size(), 1u);
  auto record = worker();
  EXPECT_EQ(record["Name"], "k8s");
  EXPECT_EQ(record["WorkerPoolIds"], json{"WorkerPools-1"});
  auto& endpoint = record["Endpoint"];
  EXPECT_EQ(endpoint["CommunicationStyle"], "KubernetesTentacle");
  EXPECT_EQ(endpoint["UpgradeLocked"], true);
  auto& tentacle = endpoint["TentacleEndpointConfiguration"];
  EXPECT_EQ(tentacle["Thumbprint"], config["Tentacle.CertificateThumbprint"]);
  EXPECT_EQ(tentacle["Uri"], servers[0]["SubscriptionId"]);
  EXPECT_EQ(writes(), strings{"POST /api/Spaces-1/workers"});
}

TEST_F(Register, CostsOneRequestWhenNothingChanged_REG04) {
  what();
  rest->forget_calls();
  auto before = cluster->calls().size();
  EXPECT_EQ(what(), kind::unchanged);
  EXPECT_TRUE(rest->calls().empty());
  EXPECT_EQ(cluster->calls().size(), before + 1);
}

TEST_F(Register, TakesCredentialsFromFilesFirst) {
  env["CUTTLE_AUTH_DIR"] = auth.string();
  env["ServerApiKey"] = "API-OLD";
  std::filesystem::create_directories(auth);
  std::ofstream{auth / "api-key"} << "API-ADMIN\n";
  EXPECT_EQ(what(), kind::registered);
}

TEST_F(Register, AppliesChangedPoolsNameAndPolicy) {
  what();
  auto pool = rest->add_pool("Spaces-1", "Linux");
  auto policy = rest->add_policy("Spaces-1", "Strict");
  rest->forget_calls();
  env["WorkerPools"] = "linux";
  env["AgentName"] = "renamed";
  env["MachinePolicy"] = "Strict";
  EXPECT_EQ(what(), kind::changed);
  auto record = worker();
  EXPECT_EQ(record["WorkerPoolIds"], json{pool});
  EXPECT_EQ(record["Name"], "renamed");
  EXPECT_EQ(record["MachinePolicyId"], policy);
  EXPECT_EQ(rest->workers("Spaces-1").size(), 1u);
  EXPECT_EQ(writes(), strings{"PUT /api/Spaces-1/workers/Workers-1"});
  EXPECT_EQ(what(), kind::unchanged);
}

TEST_F(Register, LeavesAloneWhatWasChangedInThePortal) {
  what();
  auto pool = rest->add_pool("Spaces-1", "Linux");
  auto id = rest->add_pool("Spaces-1", "Mac");
  env["WorkerPools"] = "linux";
  what();
  env["AgentName"] = "renamed";
  what();
  EXPECT_EQ(worker()["WorkerPoolIds"], json{pool});
}

TEST_F(Register, AppliesChangedAddressesWithoutTheServer_REG18) {
  what();
  rest->forget_calls();
  auto first
    = json::parse(stored()["Tentacle.Communication.TrustedOctopusServers"])[0];
  // The second address does not answer; that is a warning.
  options.patience = std::chrono::seconds{2};
  env["ServerCommsAddresses"] += ",https://127.0.0.2:10943/";
  env.erase("ServerApiKey");
  EXPECT_EQ(what(), kind::kept);
  env["ServerApiKey"] = "API-ADMIN";
  EXPECT_EQ(what(), kind::changed);
  auto servers
    = json::parse(stored()["Tentacle.Communication.TrustedOctopusServers"]);
  ASSERT_EQ(servers.size(), 2u);
  EXPECT_EQ(servers[0], first);
  EXPECT_EQ(servers[1]["Address"], "https://127.0.0.2:10943/");
  EXPECT_EQ(servers[1]["Thumbprint"], first["Thumbprint"]);
  EXPECT_EQ(servers[1]["SubscriptionId"], first["SubscriptionId"]);
  for (auto& x : rest->calls())
    EXPECT_EQ(x, "POST /handshake");
}

TEST_F(Register, KeepsARegisteredWorkerGoingWhenAChangeCanNotBeApplied) {
  what();
  auto before = stored();
  env["WorkerPools"] = "nope";
  EXPECT_EQ(what(), kind::kept);
  EXPECT_NE(sentence.find("'nope'"), std::string::npos);
  EXPECT_EQ(stored(), before);
  options.strict = true;
  EXPECT_EQ(mistake(), "pool-not-found");
}

TEST_F(Register, NeedsNoCredentialsWhenNothingChanged) {
  what();
  env.erase("ServerApiKey");
  EXPECT_EQ(what(), kind::unchanged);
}

TEST_F(Register, CreatesOneRecordWhenTheAnswerIsLost) {
  sim::octopus_rest::fault x;
  x.method = "POST";
  x.path = "/workers";
  x.lose_answer = true;
  x.times = 1;
  rest->break_next(x);
  EXPECT_EQ(what(), kind::registered);
  EXPECT_EQ(rest->workers("Spaces-1").size(), 1u);
}

TEST_F(Register, GoesOnWithTheSameIdentityAfterACrashBeforeTheEnd) {
  // The last patch fails: the server knows the worker, the config map not.
  EXPECT_EQ(what(), kind::registered);
  auto config = stored();
  config.erase("Tentacle.Services.IsRegistered");
  config.erase("Tentacle.Communication.TrustedOctopusServers");
  config.erase("Cuttle.Registration");
  auto print = config["Tentacle.CertificateThumbprint"];
  cluster->put_config_map("tentacle-config", config);
  rest->forget_calls();
  EXPECT_EQ(what(), kind::registered);
  EXPECT_EQ(rest->workers("Spaces-1").size(), 1u);
  EXPECT_EQ(stored()["Tentacle.CertificateThumbprint"], print);
  EXPECT_TRUE(writes().empty());
}

TEST_F(Register, TakesOverAWorkerOfTheSameName_REG13) {
  auto pool = rest->add_pool("Spaces-1", "Linux");
  rest->add_worker("Spaces-1", "K8s", "KubernetesTentacle",
                   std::string(40, 'B'), {pool});
  EXPECT_EQ(what(), kind::registered);
  auto record = worker();
  EXPECT_EQ(rest->workers("Spaces-1").size(), 1u);
  EXPECT_EQ(record["Name"], "K8s");
  EXPECT_EQ(record["WorkerPoolIds"], json{pool});
  EXPECT_EQ(record["Endpoint"]["UpgradeLocked"], true);
  EXPECT_EQ(record["Endpoint"]["TentacleEndpointConfiguration"]["Thumbprint"],
            stored()["Tentacle.CertificateThumbprint"]);
}

TEST_F(Register, AdoptsAPreparedWorkerWithoutPools) {
  auto identity = *crypto::identity::generate();
  rest->add_worker("Spaces-1", "k8s", "KubernetesTentacle",
                   identity.thumbprint(), {"WorkerPools-1"});
  env.erase("WorkerPools");
  env["TentacleCertificateBase64"] = crypto::to_base64(*identity.to_pfx());
  env["ServerSubscriptionId"] = "poll://prepared/";
  options.existing = "adopt";
  EXPECT_EQ(what(), kind::registered);
  EXPECT_EQ(stored()["Tentacle.CertificateThumbprint"], identity.thumbprint());
  EXPECT_EQ(worker()["Endpoint"]["TentacleEndpointConfiguration"]["Uri"],
            "poll://prepared/");
}

TEST_F(Register, MovesWhatThePreInstallHookRegistered_REG06) {
  env["OCTOPUS__K8STENTACLE__TENTACLECONFIGMAPNAME"] = "tentacle-config-pre";
  env["OCTOPUS__K8STENTACLE__TENTACLEENCRYPTIONSECRETNAME"]
    = "tentacle-secret-pre";
  cluster->put_config_map("tentacle-config-pre", {});
  cluster->put_secret("tentacle-secret-pre", {});
  EXPECT_EQ(what(), kind::registered);
  auto hook = cluster->config_map("tentacle-config-pre");
  env.erase("OCTOPUS__K8STENTACLE__TENTACLECONFIGMAPNAME");
  env.erase("OCTOPUS__K8STENTACLE__TENTACLEENCRYPTIONSECRETNAME");
  rest->forget_calls();
  EXPECT_EQ(what(), kind::unchanged);
  EXPECT_TRUE(rest->calls().empty());
  EXPECT_EQ(stored(), hook);
  EXPECT_TRUE(cluster->config_map("tentacle-config-pre").empty());
}

TEST_F(Register, LocksUpgradesOfAnInstallationOfTheStockWorker) {
  what();
  // What a stock worker leaves: no record, and no lock at the server.
  auto config = stored();
  config.erase("Cuttle.Registration");
  config.erase("Cuttle.SubscriptionId");
  cluster->put_config_map("tentacle-config", config);
  EXPECT_EQ(what(), kind::changed);
  EXPECT_TRUE(stored().contains("Cuttle.Registration"));
  EXPECT_EQ(stored()["Tentacle.Communication.TrustedOctopusServers"],
            config["Tentacle.Communication.TrustedOctopusServers"]);
}

TEST_F(Register, StoresAProxyWithItsPasswordSealed) {
  what();
  env["TentaclePollingProxyHost"] = "http://proxy.example.com:1/";
  env["TentaclePollingProxyPort"] = "3128";
  env["TentaclePollingProxyUsername"] = "me";
  env["TentaclePollingProxyPassword"] = "hidden";
  EXPECT_EQ(what(), kind::changed);
  auto config = stored();
  EXPECT_EQ(config["Octopus.Server.Proxy.ProxyHost"], "proxy.example.com");
  EXPECT_EQ(config["Octopus.Server.Proxy.ProxyPort"], "3128");
  EXPECT_EQ(config["Octopus.Server.Proxy.ProxyUsername"], "me");
  auto sealed = config["Octopus.Server.Proxy.ProxyPassword"];
  EXPECT_FALSE(sealed.empty());
  EXPECT_EQ(sealed.find("hidden"), std::string::npos);
  EXPECT_EQ(what(), kind::unchanged);
  env["TentaclePollingProxyPassword"] = "other";
  EXPECT_EQ(what(), kind::changed);
  env.erase("TentaclePollingProxyHost");
  EXPECT_EQ(what(), kind::changed);
  EXPECT_FALSE(stored().contains("Octopus.Server.Proxy.ProxyHost"));
  EXPECT_FALSE(stored().contains("Octopus.Server.Proxy.ProxyPassword"));
}

TEST(Subscriptions, AreTwentyLettersThatNobodyConfuses_REG10) {
  for (int i = 0; i < 50; ++i) {
    auto text = new_subscription();
    ASSERT_EQ(text.size(), 28u);
    EXPECT_TRUE(text.starts_with("poll://"));
    EXPECT_TRUE(text.ends_with("/"));
    EXPECT_EQ(text.substr(7, 20).find_first_of("aio01"), std::string::npos);
  }
}

} // namespace cuttle::test
