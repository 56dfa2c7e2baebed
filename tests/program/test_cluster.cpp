#include "tests/program/test_cluster.hpp"

#include <cstdlib>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <unistd.h>

#include "infra/kubernetes/api_client.hpp"
#include "tests/folders.hpp"
#include "tests/program/process.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class embedded_test_cluster final : public test_cluster {
public:
  explicit embedded_test_cluster(const std::filesystem::path& folder)
    : cluster_(options_of(folder)) {
    if (auto started = cluster_.start(); !started)
      throw std::runtime_error{started.error().text};
  }

  sim::embedded_cluster* embedded() override {
    return &cluster_;
  }

  std::string namespace_name() const override {
    return cluster_.namespace_name();
  }

  std::filesystem::path worker_kubeconfig() const override {
    return cluster_.kubeconfig();
  }

  std::map<std::string, std::string> environment() const override {
    auto prefix = std::string{"OCTOPUS__K8STENTACLE__"};
    return {
      {prefix + "NAMESPACE", namespace_name()},
      {prefix + "PODSERVICEACCOUNTNAME", "octopus-agent-scripts"},
      {prefix + "PODVOLUMECLAIMNAME", "octopus-agent-home"},
      {prefix + "HELMRELEASENAME", "test"},
      {prefix + "HELMCHARTVERSION", "0.0.0"},
      {prefix + "PERSISTENTVOLUMESIZE", "10Gi"},
    };
  }

  std::string image() const override {
    return "octopusdeploy/worker-tools:ubuntu.24.04";
  }

  void store(const std::map<std::string, std::string>& config_map,
             const std::map<std::string, std::string>& secret) override {
    cluster_.put_config_map("tentacle-config", config_map);
    cluster_.put_secret("tentacle-secret", secret);
  }

  std::vector<std::string> pods() override {
    return cluster_.pods();
  }

  std::vector<std::string> kept_pods() override {
    return cluster_.pods();
  }

  std::string describe_pods() override {
    std::string result;
    for (auto& name : cluster_.pods())
      result += name + '\n';
    return result;
  }

  void set_pod_quota(unsigned pods) override {
    cluster_.set_pod_quota(pods);
  }

  void delete_pod(const std::string& name, int grace_seconds) override {
    cluster_.delete_pod(name, std::chrono::seconds{grace_seconds});
  }

private:
  static sim::embedded_cluster::options
  options_of(const std::filesystem::path& folder) {
    sim::embedded_cluster::options result;
    result.directory = folder / "cluster";
    result.schedule_delay = 10ms;
    result.pull_delay = 10ms;
    // As many as the node of tests/cluster takes.
    result.processes = 250;
    result.missing_images = {"example.invalid/no-such-image:1"};
    return result;
  }

  sim::embedded_cluster cluster_;
};

class real_test_cluster final : public test_cluster {
public:
  real_test_cluster(std::string kubeconfig, const std::filesystem::path& home,
                    const std::filesystem::path& folder)
    : kubeconfig_(std::move(kubeconfig)),
      namespace_("cuttle-e2e-" + std::to_string(getpid())), folder_(folder) {
    run_script("prepare", {"--home", home.string(), "--out",
                           (folder / "access").string()});
    auto access = kubernetes::kubeconfig_access(kubeconfig_);
    if (!access)
      throw std::runtime_error{access.error().text};
    access->namespace_name = namespace_;
    api_ = std::make_unique<kubernetes::api_client>(std::move(*access));
  }

  ~real_test_cluster() override {
    try {
      run_script("cleanup", {"--no-wait"});
    } catch (const std::exception& e) {
      std::fprintf(stderr, "%s\n", e.what());
    }
  }

  sim::embedded_cluster* embedded() override {
    return nullptr;
  }

  std::string namespace_name() const override {
    return namespace_;
  }

  std::filesystem::path worker_kubeconfig() const override {
    return folder_ / "access" / "worker.kubeconfig";
  }

  std::map<std::string, std::string> environment() const override {
    std::map<std::string, std::string> result;
    std::ifstream file{folder_ / "access" / "worker.env"};
    for (std::string line; std::getline(file, line);)
      if (auto cut = line.find('='); cut != std::string::npos)
        result[line.substr(0, cut)] = line.substr(cut + 1);
    return result;
  }

  std::string image() const override {
    auto* name = std::getenv("CUTTLE_E2E_IMAGE");
    return name ? name : "localhost/worker:local";
  }

  void store(const std::map<std::string, std::string>& config_map,
             const std::map<std::string, std::string>& secret) override {
    await([&](auto done) {
      api_->patch_config_map("tentacle-config",
                             {config_map.begin(), config_map.end()}, done);
    });
    await([&](auto done) {
      api_->patch_secret("tentacle-secret", {secret.begin(), secret.end()},
                         std::nullopt, done);
    });
  }

  std::vector<std::string> pods() override {
    std::vector<std::string> result;
    for (auto& item : script_pods())
      result.push_back(item["metadata"]["name"]);
    return result;
  }

  std::vector<std::string> kept_pods() override {
    std::vector<std::string> result;
    for (auto& item : script_pods())
      if (!item["metadata"].contains("deletionTimestamp"))
        result.push_back(item["metadata"]["name"]);
    return result;
  }

  std::string describe_pods() override {
    std::string result;
    for (auto& item : script_pods()) {
      auto& about = item["metadata"];
      auto& status = item["status"];
      result += about["name"].get<std::string>() + " "
                + status.value("phase", "without a phase") + ", created "
                + about.value("creationTimestamp", "") + ", to be gone by "
                + about.value("deletionTimestamp", "(not asked for)") + ", "
                + status.value("containerStatuses", json::array()).dump()
                + '\n';
    }
    return result;
  }

  void set_pod_quota(unsigned pods) override {
    auto path = "/api/v1/namespaces/" + namespace_ + "/resourcequotas";
    json quota = {{"apiVersion", "v1"},
                  {"kind", "ResourceQuota"},
                  {"metadata", {{"name", "scripts"}}},
                  {"spec", {{"hard", {{"pods", std::to_string(pods)}}}}}};
    raw("POST", path, quota.dump());
    auto counted = eventually(
      [&] {
        auto now = json::parse(raw("GET", path + "/scripts"));
        return now["status"].contains("used");
      },
      60s);
    if (!counted)
      throw std::runtime_error{"the quota does not come into force"};
  }

  void delete_pod(const std::string& name, int grace_seconds) override {
    raw("DELETE", pods_path() + "/" + name
                    + "?gracePeriodSeconds=" + std::to_string(grace_seconds));
  }

private:
  json script_pods() {
    auto list = json::parse(raw("GET", pods_path()
                                         + "?labelSelector=octopus.com%2F"
                                           "scriptTicketId"));
    return list["items"];
  }

  std::string pods_path() const {
    return "/api/v1/namespaces/" + namespace_ + "/pods";
  }

  template <class Call>
  void await(Call call) {
    auto done
      = std::make_shared<std::promise<outcome<kubernetes::stored_map>>>();
    auto result = done->get_future();
    call([done](outcome<kubernetes::stored_map> x) {
      done->set_value(std::move(x));
    });
    if (auto x = result.get(); !x)
      throw std::runtime_error{x.error().text};
  }

  std::string raw(const std::string& method, const std::string& path,
                  const std::string& body = "") {
    auto done = std::make_shared<std::promise<outcome<std::string>>>();
    auto result = done->get_future();
    api_->raw(method, path, body, [done](outcome<std::string> x) {
      done->set_value(std::move(x));
    });
    auto x = result.get();
    if (!x)
      throw std::runtime_error{x.error().text};
    return *x;
  }

  void run_script(const std::string& name,
                  const std::vector<std::string>& more) {
    std::vector<std::string> command{tests_folder() + "/e2e/" + name,
                                     "--kubeconfig", kubeconfig_, "--namespace",
                                     namespace_};
    command.insert(command.end(), more.begin(), more.end());
    process script{command, {{"HOME", "/root"}}, folder_ / (name + ".log")};
    if (script.wait(120s) != 0)
      throw std::runtime_error{name + " failed: " + script.output()};
  }

  std::string kubeconfig_;
  std::string namespace_;
  std::filesystem::path folder_;
  std::unique_ptr<kubernetes::api_client> api_;
};

} // namespace

std::unique_ptr<test_cluster>
make_test_cluster(const std::filesystem::path& home,
                  const std::filesystem::path& folder, std::string& reason) {
  auto* kind = std::getenv("CUTTLE_TEST_CLUSTER");
  if (!kind || std::string{kind} != "real")
    return std::make_unique<embedded_test_cluster>(folder);
  auto* kubeconfig = std::getenv("CUTTLE_E2E_KUBECONFIG");
  if (!kubeconfig) {
    reason = "needs a real cluster: CUTTLE_E2E_KUBECONFIG is not set";
    return nullptr;
  }
  return std::make_unique<real_test_cluster>(kubeconfig, home, folder);
}

} // namespace cuttle::test
