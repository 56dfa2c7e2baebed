// Wrong settings and refusals: one clear line each, nothing else breaks.

#include <csignal>

#include "tests/program/stage.hpp"

namespace cuttle::test {

using namespace std::chrono_literals;

namespace {

class Trouble : public Stage {};

} // namespace

TEST_F(Trouble, AServerWithAnotherCertificateIsNotTrusted_HAL09) {
  auto other = own_server();
  other.thumbprint = std::string(40, 'A');
  store_settings({other});
  start_worker();
  EXPECT_TRUE(eventually(
    [&] { return worker_->logged("server-link-lost", server_->thumbprint()); }))
    << worker_->process().output();
  EXPECT_EQ(connections_, 0);
  EXPECT_EQ(worker_->get("/readyz").first, 503);
  EXPECT_EQ(worker_->get("/healthz").first, 200);
}

// While the certificate of a server changes: the next one's thumbprint is an
// entry of its own, and the server is dialled by either no more than before.
TEST_F(Trouble, AServerMayShowEachOfSeveralCertificates) {
  auto next = own_server();
  next.thumbprint = std::string(40, 'A');
  store_settings({next, own_server()});
  start_connected_worker({{"TentaclePollingConnectionCount", "2"}});
  EXPECT_TRUE(eventually([&] { return connections_ == 2; }));
  EXPECT_EQ(run("echo fine").exit_code, 0);
  EXPECT_EQ(connections_, 2);
  EXPECT_FALSE(worker_->logged("server-link-lost"));
}

TEST_F(Trouble, AWorkerThatTheServerDoesNotTrustSaysSo_HAL29) {
  server_->transport().distrust(worker_identity_.thumbprint());
  start_worker();
  EXPECT_TRUE(
    eventually([&] { return worker_->logged("server-link-lost", "trust"); }))
    << worker_->process().output();
  EXPECT_EQ(connections_, 0);
}

TEST_F(Trouble, AServerThatIsNotThereDoesNotDisturbTheOneThatIs_HAL43) {
  auto away = own_server();
  away.port = 9; // discard: nobody listens on loopback
  store_settings({away, own_server()});
  start_connected_worker();
  EXPECT_TRUE(eventually(
    [&] { return worker_->logged("server-link-lost", "127.0.0.1:9"); }))
    << worker_->process().output();
  EXPECT_EQ(run("echo fine").exit_code, 0);
  EXPECT_EQ(worker_->get("/readyz").first, 200);
}

TEST_F(Trouble, AWorkerWithoutRegistrationEndsWithOneClearLine) {
  store_settings({});
  start_worker();
  EXPECT_EQ(worker_->process().wait(30s), 1);
  EXPECT_TRUE(worker_->logged("setting-wrong", "not registered"));
}

TEST_F(Trouble, AMissingNamespaceIsNamed_CFG01) {
  start_worker({{"OCTOPUS__K8STENTACLE__NAMESPACE", ""}});
  EXPECT_EQ(worker_->process().wait(30s), 2);
  EXPECT_TRUE(
    worker_->logged("setting-wrong", "OCTOPUS__K8STENTACLE__NAMESPACE"));
}

TEST_F(Trouble, AnUnknownServiceAccountFailsTheStepWithTheClustersWords) {
  start_connected_worker();
  start_script command;
  command.script_body = "echo never";
  command.service_account = "nobody-knows-me";
  auto result = start(std::move(command))->wait();
  EXPECT_NE(result.trouble.code, errc::none);
  EXPECT_NE(result.trouble.text.find("nobody-knows-me"), std::string::npos)
    << result.trouble.text;
  // The refusal is of that step alone, and leaves no pod.
  EXPECT_EQ(run("echo fine").exit_code, 0);
  EXPECT_TRUE(eventually([&] { return cluster_->pods().empty(); }));
}

TEST_F(Trouble, ARefusalByRbacIsToldAtOnce) {
  if (!embedded())
    GTEST_SKIP() << "played by the embedded cluster";
  start_connected_worker();
  embedded()->refuse("create", "pods", 403,
                     "pods is forbidden: the worker may not create pods", 1);
  auto result = run("echo never");
  EXPECT_NE(result.trouble.text.find("may not create pods"), std::string::npos)
    << result.trouble.text;
  EXPECT_EQ(run("echo fine").exit_code, 0);
}

TEST_F(Trouble, AFileNameThatLeavesTheWorkspaceIsRefused_SVC15) {
  start_connected_worker();
  start_script command;
  command.script_body = "echo never";
  auto body = std::make_shared<stream_body>();
  body->bytes = "x";
  body->length = 1;
  command.files.push_back({"../../escape.txt", body, {}});
  auto result = start(std::move(command))->wait();
  EXPECT_NE(result.trouble.code, errc::none);
  EXPECT_FALSE(std::filesystem::exists(home_ / "escape.txt"));
  EXPECT_TRUE(cluster_->pods().empty());
}

TEST_F(Trouble, ProbesAndMetricsTellTheState) {
  start_connected_worker();
  ASSERT_EQ(run("echo one").exit_code, 0);
  EXPECT_EQ(worker_->get("/healthz").first, 200);
  EXPECT_EQ(worker_->get("/readyz").first, 200);
  auto [status, body] = worker_->get("/metrics");
  EXPECT_EQ(status, 200);
  EXPECT_NE(body.find("cuttle_operations_started_total 1"), std::string::npos)
    << body;
  EXPECT_NE(body.find("cuttle_operations 0"), std::string::npos);
}

TEST_F(Trouble, AStopAfterProbesEndsTheProcessAtOnce_RST07) {
  start_connected_worker();
  EXPECT_EQ(worker_->get("/healthz").first, 200);
  EXPECT_EQ(worker_->get("/readyz").first, 200);
  worker_->process().signal(SIGTERM);
  // Less than a pod's grace period, after which it would be killed.
  EXPECT_EQ(worker_->process().wait(15s), 0);
}

TEST_F(Trouble, AWorkerThatDrainsIsAliveAndNotReady) {
  if (!embedded())
    GTEST_SKIP() << "played by the embedded cluster";
  start_connected_worker();
  ASSERT_EQ(worker_->get("/readyz").first, 200);
  // A request that is open keeps the worker from its end.
  embedded()->slow_down(8s);
  auto before = embedded()->calls().size();
  auto script = start("echo one");
  ASSERT_TRUE(eventually([&] { return embedded()->calls().size() > before; }));
  worker_->process().signal(SIGTERM);
  std::pair<long, std::string> ready;
  EXPECT_TRUE(eventually(
    [&] {
      ready = worker_->get("/readyz");
      return ready.first != 200;
    },
    6s));
  EXPECT_EQ(ready.first, 503);
  EXPECT_NE(ready.second.find("about to stop"), std::string::npos)
    << ready.second;
  EXPECT_EQ(worker_->get("/healthz").first, 200);
  embedded()->slow_down(0s);
  EXPECT_EQ(worker_->process().wait(40s), 0);
}

TEST_F(Trouble, NoSecretAppearsInTheLogOfTheWorker_HAL87) {
  start_connected_worker({{"OCTOPUS__TENTACLE__LOGLEVEL", "Debug"}});
  start_script command;
  command.script_body = "echo script-body-secret";
  command.image = pod_image{cluster_->image(), "https://registry.example.com",
                            "user1", "feed-password-secret"};
  auto result = start(std::move(command))->wait();
  EXPECT_EQ(result.exit_code, 0);
  auto log = worker_->process().output();
  EXPECT_NE(log.find("pod_lifecycle.start"), std::string::npos);
  EXPECT_EQ(log.find("feed-password-secret"), std::string::npos);
  EXPECT_EQ(log.find("script-body-secret"), std::string::npos);
}

} // namespace cuttle::test
