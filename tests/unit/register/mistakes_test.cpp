// Each mistake is named, in one line, soon, and without a credential.

#include <fstream>
#include <set>
#include <sys/stat.h>

#include "fixture.hpp"
#include "tests/folders.hpp"

namespace cuttle::test {

using namespace std::chrono_literals;

namespace {

class Mistakes : public Registration {
protected:
  // For what waiting may cure: it is named when the patience is over.
  void soon() {
    options.patience = 4s;
  }

  bool says(const std::string& part) const {
    return sentence.find(part) != std::string::npos;
  }

  void at_port(const bad_port& bad) {
    env["ServerUrl"] = "https://127.0.0.1:" + std::to_string(bad.port());
  }

  void comms(const bad_port& bad) {
    env["ServerCommsAddresses"]
      = "https://127.0.0.1:" + std::to_string(bad.port());
  }

  void proxy(const bad_port& bad) {
    env["TentaclePollingProxyHost"] = "127.0.0.1";
    env["TentaclePollingProxyPort"] = std::to_string(bad.port());
    env["TentaclePollingProxyUsername"] = "user";
    env["TentaclePollingProxyPassword"] = "SECRET1";
  }

  void answer_with(int status, const std::string& path = "/api",
                   const std::string& body = {}) {
    sim::octopus_rest::fault x;
    x.path = path;
    x.status = status;
    x.body = body;
    rest->break_next(x);
  }
};

std::string token(long expiry) {
  // {"exp":<expiry>} as the middle of a token.
  std::string claims = "{\"exp\":" + std::to_string(expiry) + "}";
  auto text = crypto::to_base64(crypto::as_bytes(claims));
  while (text.ends_with('='))
    text.pop_back();
  return "e30." + text + ".SECRET1";
}

} // namespace

// -- settings ---------------------------------------------------------------

TEST_F(Mistakes, LicenceNotAccepted_REG01) {
  env["ACCEPT_EULA"] = "N";
  EXPECT_EQ(mistake(), "eula-not-accepted");
}

TEST_F(Mistakes, NeitherWorkerNorTarget_REG01) {
  env.erase("WorkerEnabled");
  EXPECT_EQ(mistake(), "mode-wrong");
}

TEST_F(Mistakes, DeploymentTarget_REG01) {
  env["DeploymentTargetEnabled"] = "True";
  EXPECT_EQ(mistake(), "mode-wrong");
}

TEST_F(Mistakes, NoServerUrl_REG01) {
  env.erase("ServerUrl");
  EXPECT_EQ(mistake(), "server-url-missing");
}

TEST_F(Mistakes, ServerUrlWithoutScheme) {
  env["ServerUrl"] = "octopus.example.com";
  EXPECT_EQ(mistake(), "server-url-wrong");
}

TEST_F(Mistakes, NoCredentials_REG01) {
  env.erase("ServerApiKey");
  EXPECT_EQ(mistake(), "credentials-missing");
}

TEST_F(Mistakes, CredentialOfTwoLines) {
  std::ofstream{auth / "api-key"} << "API-ADMIN\nAPI-OTHER\n";
  env["CUTTLE_AUTH_DIR"] = auth.string();
  EXPECT_EQ(mistake(), "credentials-unreadable");
}

TEST_F(Mistakes, NameThatIsTooLong) {
  env["AgentName"] = std::string(300, 'x');
  EXPECT_EQ(mistake(), "name-wrong");
}

TEST_F(Mistakes, NoPools_REG01) {
  env["WorkerPools"] = " , ";
  EXPECT_EQ(mistake(), "pools-missing");
  EXPECT_TRUE(says("worker pool name, slug or Id"));
}

TEST_F(Mistakes, SubscriptionThatIsNoPollAddress_REG10) {
  env["ServerSubscriptionId"] = "https://x/";
  EXPECT_EQ(mistake(), "subscription-wrong");
}

TEST_F(Mistakes, CertificateThatIsNone_CFG16) {
  env["TentacleCertificateBase64"] = "bm90IGEgcGZ4";
  EXPECT_EQ(mistake(), "certificate-wrong");
}

TEST_F(Mistakes, PollingAddressWithoutScheme_REG08) {
  env["ServerCommsAddresses"] = "octopus:10943";
  EXPECT_EQ(mistake(), "comms-address-wrong");
}

TEST_F(Mistakes, AuthorityThatIsNoCertificate) {
  write_file("ca.pem", "-----BEGIN NONSENSE-----\n");
  EXPECT_EQ(mistake(), "ca-wrong");
}

TEST_F(Mistakes, UnknownWayWithAnExistingWorker) {
  options.existing = "steal";
  EXPECT_EQ(mistake(), "option-wrong");
}

// -- the way to the server --------------------------------------------------

TEST_F(Mistakes, NameThatNobodyKnows) {
  soon();
  env["ServerUrl"] = "https://nobody.invalid";
  EXPECT_EQ(mistake(), "dns");
  EXPECT_TRUE(says("nobody.invalid"));
}

TEST_F(Mistakes, PortWhereNobodyListens) {
  soon();
  bad_port bad{bad_port::kind::closed};
  at_port(bad);
  EXPECT_EQ(mistake(), "tcp-refused");
  EXPECT_TRUE(says(std::to_string(bad.port())));
}

TEST_F(Mistakes, PortThatSwallowsPackets) {
  soon();
  bad_port bad{bad_port::kind::full};
  at_port(bad);
  EXPECT_EQ(mistake(), "connect-timeout");
}

TEST_F(Mistakes, PortThatTakesConnectionsAndSaysNothing) {
  soon();
  bad_port bad{bad_port::kind::silent};
  at_port(bad);
  EXPECT_EQ(mistake(), "no-answer");
}

TEST_F(Mistakes, ServerThatNeverAnswers) {
  soon();
  sim::octopus_rest::fault x;
  x.silent = true;
  rest->break_next(x);
  EXPECT_EQ(mistake(), "no-answer");
}

TEST_F(Mistakes, ServerThatCutsTheConnection) {
  soon();
  answer_with(0);
  EXPECT_EQ(mistake(), "connection-cut");
}

TEST_F(Mistakes, PortWithoutTls) {
  bad_port bad{bad_port::kind::plain, "HTTP/1.1 200 OK\r\n\r\n"};
  at_port(bad);
  EXPECT_EQ(mistake(), "tls-failed");
}

TEST_F(Mistakes, CertificateOfAnUnknownAuthority) {
  options.ca_file = "/etc/ssl/certs/ca-certificates.crt";
  EXPECT_EQ(mistake(), "tls-chain");
  EXPECT_TRUE(says("embedded authority"));
  EXPECT_TRUE(says("agent.serverCertificate"));
}

TEST_F(Mistakes, CertificateForAnotherName) {
  sim::octopus_rest::options o;
  o.certificate.names = {"DNS:octopus.example.com"};
  serve(o);
  EXPECT_EQ(mistake(), "tls-name");
  EXPECT_TRUE(says("'127.0.0.1'"));
}

TEST_F(Mistakes, CertificateThatExpired) {
  sim::octopus_rest::options o;
  o.certificate.from_days = -20;
  o.certificate.to_days = -10;
  serve(o);
  EXPECT_EQ(mistake(), "tls-expired");
}

TEST_F(Mistakes, CertificateOfTomorrow) {
  sim::octopus_rest::options o;
  o.certificate.from_days = 2;
  serve(o);
  EXPECT_EQ(mistake(), "clock");
}

TEST_F(Mistakes, ProxyThatIsNotThere) {
  soon();
  bad_port bad{bad_port::kind::closed};
  proxy(bad);
  EXPECT_EQ(mistake(), "proxy-unreachable");
}

TEST_F(Mistakes, ProxyWithoutAName) {
  soon();
  env["TentaclePollingProxyHost"] = "proxy.invalid";
  EXPECT_EQ(mistake(), "proxy-unreachable");
}

TEST_F(Mistakes, ProxyThatWantsOtherCredentials) {
  bad_port bad{bad_port::kind::plain,
               "HTTP/1.1 407 Proxy Authentication Required\r\n"
               "Proxy-Authenticate: Basic realm=\"x\"\r\n"
               "Content-Length: 0\r\n\r\n"};
  proxy(bad);
  EXPECT_EQ(mistake(), "proxy-credentials");
  EXPECT_FALSE(says("SECRET1"));
}

TEST_F(Mistakes, ProxyThatForbidsTheHost) {
  bad_port bad{bad_port::kind::plain,
               "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"};
  proxy(bad);
  EXPECT_EQ(mistake(), "proxy-refused");
}

// -- the server -------------------------------------------------------------

TEST_F(Mistakes, SomethingElseThanAnOctopusServer) {
  answer_with(200, "/api", "<html>Welcome to nginx</html>");
  EXPECT_EQ(mistake(), "not-octopus");
}

TEST_F(Mistakes, PathThatIsNotTheServers) {
  env["ServerUrl"] = rest->url() + "/octopus";
  EXPECT_EQ(mistake(), "not-octopus");
}

TEST_F(Mistakes, AddressThatRedirects) {
  sim::octopus_rest::fault x;
  x.status = 302;
  x.location = "https://new.example.com/";
  rest->break_next(x);
  EXPECT_EQ(mistake(), "redirected");
  EXPECT_TRUE(says("https://new.example.com/"));
}

TEST_F(Mistakes, ServerThatIsTooOld) {
  sim::octopus_rest::options o;
  o.api_version = "2.9.0";
  serve(o);
  EXPECT_EQ(mistake(), "version-unsupported");
}

TEST_F(Mistakes, ServerThatStarts) {
  soon();
  answer_with(503);
  EXPECT_EQ(mistake(), "server-busy");
}

TEST_F(Mistakes, ServerThatBreaks) {
  soon();
  answer_with(500, "/api/users", R"({"ErrorMessage":"Database is full."})");
  EXPECT_EQ(mistake(), "server-broken");
  EXPECT_TRUE(says("Database is full."));
}

TEST_F(Mistakes, AnswerThatIsCutShort) {
  answer_with(200, "/workerpools", "{\"Items\":[{");
  EXPECT_EQ(mistake(), "answer-wrong");
}

TEST_F(Mistakes, ApiKeyThatIsWrong) {
  env["ServerApiKey"] = "API-SECRET1";
  EXPECT_EQ(mistake(), "credentials-refused");
  EXPECT_FALSE(says("SECRET1"));
  EXPECT_TRUE(says("agent.serverApiKey"));
}

TEST_F(Mistakes, BearerTokenThatIsWrong) {
  env.erase("ServerApiKey");
  env["BearerToken"] = token(4'000'000'000);
  EXPECT_EQ(mistake(), "credentials-refused");
  EXPECT_FALSE(says("SECRET1"));
}

TEST_F(Mistakes, BearerTokenThatExpired) {
  env.erase("ServerApiKey");
  env["BearerToken"] = token(1'700'000'000);
  EXPECT_EQ(mistake(), "token-expired");
  EXPECT_TRUE(says("2023-11-14 22:13 UTC"));
  EXPECT_FALSE(says("SECRET1"));
}

TEST_F(Mistakes, ClockThatDiffersFromTheServers) {
  rest->skew_clock(3600);
  env.erase("ServerApiKey");
  env["BearerToken"] = token(4'000'000'000);
  EXPECT_EQ(mistake(), "clock");
}

TEST_F(Mistakes, PasswordThatIsWrong) {
  env.erase("ServerApiKey");
  env["ServerUsername"] = "admin";
  env["ServerPassword"] = "SECRET1";
  EXPECT_EQ(mistake(), "login-refused");
  EXPECT_FALSE(says("SECRET1"));
}

TEST_F(Mistakes, UserWhoMayNotCreateWorkers) {
  sim::octopus_rest::user who;
  who.name = "reader";
  who.api_key = "API-READER";
  who.worker_edit = false;
  rest->add_user(who);
  env["ServerApiKey"] = "API-READER";
  EXPECT_EQ(mistake(), "not-permitted");
  EXPECT_TRUE(says("WorkerEdit"));
}

TEST_F(Mistakes, UserWhoMayNotListPools) {
  sim::octopus_rest::user who;
  who.name = "blind";
  who.api_key = "API-BLIND";
  who.list_pools = false;
  rest->add_user(who);
  env["ServerApiKey"] = "API-BLIND";
  EXPECT_EQ(mistake(), "not-permitted");
  EXPECT_TRUE(says("WorkerView"));
}

// -- what the worker is to be -----------------------------------------------

TEST_F(Mistakes, SpaceThatDoesNotExist) {
  rest->add_space("Operations");
  env["Space"] = "Operation";
  EXPECT_EQ(mistake(), "space-not-found");
  EXPECT_TRUE(says("'Default' and 'Operations'"));
}

TEST_F(Mistakes, SpaceThatTheUserMayNotEnter) {
  auto space = rest->add_space("Operations");
  sim::octopus_rest::user who;
  who.name = "ops";
  who.api_key = "API-OPS";
  who.spaces = {space};
  rest->add_user(who);
  env["ServerApiKey"] = "API-OPS";
  EXPECT_EQ(mistake(), "space-not-found");
  EXPECT_TRUE(says("no permission"));
}

TEST_F(Mistakes, PoolThatDoesNotExist_REG14) {
  env["WorkerPools"] = "default-worker-pool,linux";
  EXPECT_EQ(mistake(), "pool-not-found");
  EXPECT_TRUE(says("Could not find the worker pool with name, slug or Id "
                   "'linux'"));
  EXPECT_TRUE(says("'Default Worker Pool'"));
}

TEST_F(Mistakes, PoolThatIsDynamic) {
  rest->add_pool("Spaces-1", "Hosted", true);
  env["WorkerPools"] = "hosted";
  EXPECT_EQ(mistake(), "pool-dynamic");
}

TEST_F(Mistakes, PolicyThatDoesNotExist_REG16) {
  env["MachinePolicy"] = "Strict";
  EXPECT_EQ(mistake(), "policy-not-found");
  EXPECT_TRUE(says("'Default Machine Policy'"));
}

TEST_F(Mistakes, NameOfAWorkerOfAnotherKind) {
  rest->add_worker("Spaces-1", "K8S", "TentaclePassive", std::string(40, 'B'),
                   {"WorkerPools-1"});
  EXPECT_EQ(mistake(), "name-taken");
  EXPECT_TRUE(says("TentaclePassive"));
  EXPECT_EQ(rest->workers("Spaces-1").size(), 1u);
}

TEST_F(Mistakes, NameThatIsTakenWhenNothingMayBeTakenOver) {
  rest->add_worker("Spaces-1", "k8s", "KubernetesTentacle",
                   std::string(40, 'B'), {"WorkerPools-1"});
  options.existing = "refuse";
  EXPECT_EQ(mistake(), "name-taken");
}

TEST_F(Mistakes, NothingToAdopt) {
  options.existing = "adopt";
  env.erase("WorkerPools");
  EXPECT_EQ(mistake(), "worker-not-found");
}

TEST_F(Mistakes, ValueThatTheServerRefuses) {
  sim::octopus_rest::fault x;
  x.method = "POST";
  x.path = "/workers";
  x.status = 400;
  x.body = R"({"ErrorMessage":"No licence for another worker.","Errors":[]})";
  rest->break_next(x);
  EXPECT_EQ(mistake(), "refused");
  EXPECT_TRUE(says("No licence for another worker."));
  // Nothing that looks like a registration is left.
  EXPECT_FALSE(stored().contains("Tentacle.Services.IsRegistered"));
}

// -- the polling address ----------------------------------------------------

TEST_F(Mistakes, PollingPortWhereNobodyListens_REG09) {
  soon();
  bad_port bad{bad_port::kind::closed};
  comms(bad);
  EXPECT_EQ(mistake(), "comms-unreachable");
  EXPECT_TRUE(says("polling address"));
  EXPECT_TRUE(rest->workers("Spaces-1").empty());
}

TEST_F(Mistakes, PollingPortThatSwallowsPackets_REG09) {
  soon();
  bad_port bad{bad_port::kind::full};
  comms(bad);
  EXPECT_EQ(mistake(), "comms-unreachable");
}

TEST_F(Mistakes, PollingPortWithoutTls_REG09) {
  bad_port bad{bad_port::kind::plain, "HTTP/1.1 200 OK\r\n\r\n"};
  comms(bad);
  EXPECT_EQ(mistake(), "comms-wrong-port");
}

TEST_F(Mistakes, PollingPortThatIsAWebSite_REG09) {
  answer_with(404, "/handshake");
  EXPECT_EQ(mistake(), "comms-wrong-port");
  EXPECT_TRUE(says("10943"));
}

TEST_F(Mistakes, PollingPortBehindSomethingThatEndsTls) {
  sim::octopus_rest other{{}};
  ASSERT_TRUE(other.start());
  env["ServerCommsAddresses"]
    = "https://127.0.0.1:" + std::to_string(other.port());
  EXPECT_EQ(mistake(), "comms-wrong-certificate");
}

// -- the cluster ------------------------------------------------------------

TEST_F(Mistakes, ClusterThatIsNotThere) {
  soon();
  cluster->cut_connections(30s);
  EXPECT_EQ(mistake(), "cluster-unreachable");
}

TEST_F(Mistakes, KubeconfigThatIsMissing) {
  options.kubeconfig = (folder / "none").string();
  EXPECT_EQ(mistake(), "cluster-unreachable");
}

TEST_F(Mistakes, ConfigMapThatIsMissing_CFG05) {
  env["OCTOPUS__K8STENTACLE__TENTACLECONFIGMAPNAME"] = "none";
  EXPECT_EQ(mistake(), "config-map-missing");
}

TEST_F(Mistakes, SecretThatIsMissing_CFG12) {
  env["OCTOPUS__K8STENTACLE__TENTACLEENCRYPTIONSECRETNAME"] = "none";
  EXPECT_EQ(mistake(), "secret-missing");
  EXPECT_TRUE(rest->workers("Spaces-1").empty());
}

TEST_F(Mistakes, ServiceAccountWithoutRights) {
  cluster->refuse("patch", "secrets", 403, "secrets is forbidden", 5);
  EXPECT_EQ(mistake(), "cluster-forbidden");
}

TEST_F(Mistakes, MachineKeyOfAWrongSize) {
  cluster->put_secret("tentacle-secret",
                      {{"machine-key", "short"}, {"machine-iv", "short"}});
  EXPECT_EQ(mistake(), "stored-wrong");
}

// -- the table --------------------------------------------------------------

TEST(MistakeTable, OfTheDocumentationHasEachMistakeOnce) {
  std::ifstream file{docs_folder() + "/registration.md"};
  ASSERT_TRUE(file);
  std::multiset<std::string> rows;
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("| `")) {
      auto end = line.find('`', 3);
      rows.insert(line.substr(3, end - 3));
    }
  for (auto name : octopus::mistake_names)
    EXPECT_EQ(rows.count(std::string{name}), 1u) << name;
}

} // namespace cuttle::test
