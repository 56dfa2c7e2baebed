#include "programs/cuttle/demo_cluster.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "infra/crypto/cipher.hpp"
#include "infra/sim/embedded_cluster.hpp"
#include "programs/cuttle/await.hpp"

namespace cuttle {

namespace {

using nlohmann::json;

constexpr auto worker_account = "octopus-agent-tentacle";
constexpr auto scripts_account = "octopus-agent-scripts";
constexpr auto upgrader_account = "octopus-agent-auto-upgrader";
constexpr auto claim_name = "cuttle-demo";
// Longer than the driver tries.
constexpr std::chrono::seconds call_patience{60};

class embedded final : public demo_cluster {
public:
  embedded(const std::filesystem::path& directory, const std::string& version)
    : cluster_(make_options(directory, version)) {}

  outcome<void> start() {
    auto port = cluster_.start();
    if (!port)
      return tl::unexpected(port.error());
    return {};
  }

  std::string description() const override {
    return "embedded cluster at " + cluster_.url()
           + " (pods are local processes)";
  }

  std::string namespace_name() const override {
    return cluster_.namespace_name();
  }

  outcome<kubernetes::access> worker_access() const override {
    return kubernetes::kubeconfig_access(cluster_.kubeconfig());
  }

  std::filesystem::path kubeconfig() const override {
    return cluster_.kubeconfig();
  }

  outcome<void>
  prepare(const std::filesystem::path&,
          const std::map<std::string, std::string>& config,
          const std::map<std::string, std::string>& secret) override {
    cluster_.put_config_map("tentacle-config", config);
    cluster_.put_secret("tentacle-secret", secret);
    return {};
  }

  void clean_up() override {}

private:
  static sim::embedded_cluster::options
  make_options(const std::filesystem::path& directory,
               const std::string& version) {
    sim::embedded_cluster::options result;
    result.directory = directory;
    if (!version.empty())
      result.kubernetes_version = version;
    return result;
  }

  sim::embedded_cluster cluster_;
};

class real final : public demo_cluster {
public:
  real(kubernetes::access access, std::filesystem::path kubeconfig,
       std::string unique_name)
    : access_(std::move(access)), kubeconfig_(std::move(kubeconfig)),
      name_("cuttle-demo-" + unique_name), api_(access_) {
    access_.namespace_name = name_;
  }

  std::string description() const override {
    return "cluster at " + access_.server + ", namespace " + name_;
  }

  std::string namespace_name() const override {
    return name_;
  }

  outcome<kubernetes::access> worker_access() const override {
    return access_;
  }

  std::filesystem::path kubeconfig() const override {
    return kubeconfig_;
  }

  outcome<void>
  prepare(const std::filesystem::path& home,
          const std::map<std::string, std::string>& config,
          const std::map<std::string, std::string>& secret) override {
    auto in_namespace = "/api/v1/namespaces/" + name_;
    const std::pair<std::string, json> objects[] = {
      {"/api/v1/namespaces",
       {{"kind", "Namespace"}, {"metadata", {{"name", name_}}}}},
      {in_namespace + "/serviceaccounts", account(worker_account)},
      {in_namespace + "/serviceaccounts", account(scripts_account)},
      {in_namespace + "/serviceaccounts", account(upgrader_account)},
      {"/api/v1/persistentvolumes", volume(home)},
      {in_namespace + "/persistentvolumeclaims", claim()},
      {in_namespace + "/configmaps",
       {{"kind", "ConfigMap"},
        {"metadata", {{"name", "tentacle-config"}}},
        {"data", config}}},
      {in_namespace + "/secrets",
       {{"kind", "Secret"},
        {"metadata", {{"name", "tentacle-secret"}}},
        {"data", encoded(secret)}}},
    };
    for (auto& [path, object] : objects) {
      auto full = object;
      full["apiVersion"] = "v1";
      if (auto done = call("POST", path, full.dump()); !done)
        return tl::unexpected(done.error());
    }
    return wait_for_claim(in_namespace + "/persistentvolumeclaims/"
                          + claim_name);
  }

  void clean_up() override {
    call("DELETE", "/api/v1/namespaces/" + name_, "");
    call("DELETE", "/api/v1/persistentvolumes/" + name_, "");
  }

private:
  // (keys are bytes, not text)
  static json encoded(const std::map<std::string, std::string>& secret) {
    auto result = json::object();
    for (auto& [key, value] : secret)
      result[key] = crypto::to_base64(crypto::as_bytes(value));
    return result;
  }

  static json account(const char* name) {
    return {{"kind", "ServiceAccount"}, {"metadata", {{"name", name}}}};
  }

  json volume(const std::filesystem::path& home) const {
    return {{"kind", "PersistentVolume"},
            {"metadata", {{"name", name_}}},
            {"spec",
             {{"capacity", {{"storage", "10Gi"}}},
              {"accessModes", {"ReadWriteMany"}},
              {"storageClassName", name_},
              {"claimRef", {{"namespace", name_}, {"name", claim_name}}},
              {"hostPath", {{"path", home.string()}, {"type", "Directory"}}}}}};
  }

  json claim() const {
    return {{"kind", "PersistentVolumeClaim"},
            {"metadata", {{"name", claim_name}}},
            {"spec",
             {{"accessModes", {"ReadWriteMany"}},
              {"storageClassName", name_},
              {"volumeName", name_},
              {"resources", {{"requests", {{"storage", "10Gi"}}}}}}}};
  }

  // A pod that comes before its volume is bound waits for the scheduler's next
  // round. A cluster that misses its turn to bind looks again every 15 s.
  outcome<void> wait_for_claim(const std::string& path) {
    for (int attempt = 0; attempt < 300; ++attempt) {
      auto found = call("GET", path, "");
      if (!found)
        return tl::unexpected(found.error());
      auto claim = json::parse(*found, nullptr, false);
      if (claim.value("/status/phase"_json_pointer, std::string{}) == "Bound")
        return {};
      std::this_thread::sleep_for(std::chrono::milliseconds{200});
    }
    return fail(errc::deadline_exceeded,
                "the volume claim of the demo was not bound within 60 s; does "
                "the cluster allow host path volumes?");
  }

  outcome<std::string> call(const std::string& method, const std::string& path,
                            const std::string& body) {
    return await<std::string>(
             call_patience,
             [&](auto done) { api_.raw(method, path, body, std::move(done)); })
      .value_or(
        fail(errc::deadline_exceeded, "The cluster did not answer in time."));
  }

  kubernetes::access access_;
  std::filesystem::path kubeconfig_;
  std::string name_;
  kubernetes::api_client api_;
};

} // namespace

outcome<std::unique_ptr<demo_cluster>>
make_embedded_demo_cluster(const std::filesystem::path& directory,
                           const std::string& version) {
  auto result = std::make_unique<embedded>(directory, version);
  if (auto started = result->start(); !started)
    return tl::unexpected(started.error());
  return result;
}

outcome<std::unique_ptr<demo_cluster>>
make_real_demo_cluster(const std::filesystem::path& kubeconfig,
                       const std::string& unique_name) {
  auto access = kubernetes::kubeconfig_access(kubeconfig);
  if (!access)
    return tl::unexpected(access.error());
  return std::make_unique<real>(std::move(*access), kubeconfig, unique_name);
}

} // namespace cuttle
