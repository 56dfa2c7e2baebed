// A worker that nobody has prepared: it registers, polls and runs a script.

#include <fstream>
#include <nlohmann/json.hpp>

#include "infra/sim/octopus_rest.hpp"
#include "tests/folders.hpp"
#include "tests/program/stage.hpp"

namespace cuttle::test {

using namespace std::chrono_literals;

namespace {

class Registering : public EmbeddedStage {
protected:
  void prepare() override {
    cluster_->store({}, {});
    sim::octopus_rest::options options;
    options.thumbprint = server_->thumbprint();
    options.on_worker
      = [this](const std::string& thumbprint, const std::string& uri) {
          server_->transport().trust(thumbprint);
          std::lock_guard lock{mutex_};
          uri_ = uri;
        };
    rest_ = std::make_unique<sim::octopus_rest>(std::move(options));
    ASSERT_TRUE(rest_->start());
    std::ofstream{folder_ / "ca.pem"} << rest_->authority();
    std::filesystem::create_directory(folder_ / "auth");
    std::ofstream{folder_ / "auth" / "bearer-token"} << "token-of-admin\n";
  }

  /// Runs the program with one of its commands to its end.
  int command(std::vector<std::string> arguments, const std::string& log) {
    std::vector<std::string> all{cuttle_program()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    for (auto& x : std::vector<std::string>{
           "--kubeconfig", cluster_->worker_kubeconfig().string(), "--ca-file",
           (folder_ / "ca.pem").string()})
      all.push_back(x);
    auto env = cluster_->environment();
    env["ACCEPT_EULA"] = "Y";
    env["WorkerEnabled"] = "true";
    env["AgentName"] = "k8s";
    env["Space"] = "Default";
    env["WorkerPools"] = "default-worker-pool";
    env["ServerUrl"] = rest_->url();
    env["ServerCommsAddress"] = "https://127.0.0.1:" + std::to_string(port_);
    env["CUTTLE_AUTH_DIR"] = (folder_ / "auth").string();
    env["TentacleHome"] = home_.string();
    process it{all, env, folder_ / log};
    auto code = it.wait(60s);
    output_ = it.output();
    EXPECT_TRUE(code) << output_;
    return code.value_or(-1);
  }

  std::string subscription() {
    std::lock_guard lock{mutex_};
    return uri_;
  }

  std::mutex mutex_;
  std::string uri_;
  std::string output_;
  std::unique_ptr<sim::octopus_rest> rest_;
};

} // namespace

TEST_F(Registering, IsAllThatAWorkerNeedsToRunAScript) {
  ASSERT_EQ(command({"register"}, "register.log"), 0) << output_;
  EXPECT_EQ(output_.find("token-of-admin"), std::string::npos);
  subscription_ = subscription();
  ASSERT_TRUE(subscription_.starts_with("poll://"));
  start_connected_worker();
  auto result = run("echo I am registered");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(texts(result), std::vector<std::string>{"I am registered"});
  // Once more, as the next start does it.
  rest_->forget_calls();
  EXPECT_EQ(command({"register"}, "again.log"), 0) << output_;
  EXPECT_NE(output_.find("registration-unchanged"), std::string::npos);
  EXPECT_TRUE(rest_->calls().empty());
}

TEST_F(Registering, SaysInOneLineWhatIsWrong) {
  std::filesystem::remove(folder_ / "auth" / "bearer-token");
  EXPECT_EQ(command({"register"}, "register.log"), 2);
  EXPECT_NE(output_.find("register-failed mistake=credentials-missing"),
            std::string::npos)
    << output_;
}

} // namespace cuttle::test
