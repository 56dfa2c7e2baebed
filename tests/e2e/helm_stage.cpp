#include "tests/e2e/helm_stage.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <unistd.h>

#include "infra/crypto/cipher.hpp"
#include "tests/chart/helm.hpp"
#include "tests/folders.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string variable(const char* name) {
  auto* value = std::getenv(name);
  return value ? value : "";
}

json split_image(const std::string& reference) {
  auto colon = reference.rfind(':');
  return {{"repository", reference.substr(0, colon)},
          {"tag", reference.substr(colon + 1)},
          {"pullPolicy", "IfNotPresent"}};
}

} // namespace

void HelmStage::SetUp() {
  kubeconfig_ = variable("CUTTLE_E2E_KUBECONFIG");
  forward_ = variable("CUTTLE_E2E_FORWARD");
  host_ = variable("CUTTLE_E2E_HOST");
  worker_image_ = variable("CUTTLE_E2E_WORKER_IMAGE");
  script_image_ = variable("CUTTLE_E2E_IMAGE");
  other_image_ = variable("CUTTLE_E2E_OTHER_IMAGE");
  tools_image_ = variable("CUTTLE_E2E_TOOLS_IMAGE");
  policies_are_enforced_ = !variable("CUTTLE_E2E_NETWORK_POLICY").empty();
  if (kubeconfig_.empty() || forward_.empty() || host_.empty()
      || worker_image_.empty() || script_image_.empty() || other_image_.empty())
    GTEST_SKIP() << "needs the test cluster and images: ./dev e2e";
  auto found = find_helm();
  if (!found)
    GTEST_SKIP() << "there is no helm; tests/cluster/install brings one";
  helm_ = *found;
  auto pattern = (fs::temp_directory_path() / "cuttle-helm-XXXXXX").string();
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  folder_ = pattern;
  fs::permissions(folder_, fs::perms::owner_all | fs::perms::group_exec
                             | fs::perms::others_exec);
  fs::create_directory(home());
  fs::permissions(home(), fs::perms::all);
  // (an earlier test's namespace may still be on its way out)
  static int stages = 0;
  namespace_ = "cuttle-helm-" + std::to_string(getpid()) + "-"
               + std::to_string(++stages);
  ASSERT_NO_FATAL_FAILURE(start_server());
  make_namespace();
}

void HelmStage::start_server() {
  auto identity = crypto::identity::generate("Octopus Server");
  ASSERT_TRUE(identity) << identity.error().text;
  sim::octopus_server::options options;
  options.spool = folder_ / "server-spool";
  fs::create_directory(options.spool);
  options.poll_ceiling = poll_ceiling_;
  options.on_worker = [this](const std::string&, bool connected) {
    connections_ += connected ? 1 : -1;
    if (on_connection_)
      on_connection_(connected);
  };
  server_ = std::make_unique<sim::octopus_server>(links_, disk_, *identity,
                                                  std::move(options));
  auto port = server_->start();
  ASSERT_TRUE(port) << port.error().text;
  port_ = *port;
  forward(port_);
  sim::octopus_rest::options api;
  api.thumbprint = server_->thumbprint();
  api.certificate.names = {"IP:" + host_};
  api.on_worker
    = [this](const std::string& thumbprint, const std::string& uri) {
        server_->transport().trust(thumbprint);
        std::lock_guard lock{mutex_};
        subscription_ = uri;
      };
  rest_ = std::make_unique<sim::octopus_rest>(std::move(api));
  auto rest_port = rest_->start();
  ASSERT_TRUE(rest_port) << rest_port.error().text;
  forward(*rest_port);
}

void HelmStage::forward(std::uint16_t port) {
  auto forwarded = run({forward_, "in", std::to_string(port)});
  ASSERT_EQ(forwarded.code, 0) << forwarded.text;
  forwarded_.push_back(port);
}

void HelmStage::TearDown() {
  if (HasFailure() && made_) {
    auto pods = kubectl({"get", "pods", "-o", "wide"}).text;
    auto log = kubectl({"logs", "-l", "agent.octopus.com/component=tentacle",
                        "--tail=60"})
                 .text;
    auto events = kubectl({"get", "events"}).text;
    std::fprintf(stderr, "%s\n%s\n%s\n", pods.c_str(), log.c_str(),
                 events.c_str());
  }
  if (made_) {
    // (what belongs to no namespace would be in the next test's way)
    helm({"uninstall", release_, "--no-hooks"});
    kubectl({"delete", "pods", "--all", "--grace-period=0", "--force",
             "--wait=false"});
    kubectl({"delete", "namespace", namespace_, "--wait=false"});
    kubectl({"delete", "persistentvolume", namespace_, "--wait=false"});
  }
  for (auto port : forwarded_)
    run({forward_, "stop", "in", std::to_string(port)});
  rest_.reset();
  if (server_)
    server_->stop();
  std::error_code ignored;
  if (!folder_.empty())
    fs::remove_all(folder_, ignored);
}

std::unique_ptr<process> HelmStage::begin(std::vector<std::string> command) {
  command.insert(command.begin(), "/usr/bin/env");
  auto log = folder_ / ("command-" + std::to_string(++commands_));
  std::map<std::string, std::string> environment{
    {"HOME", (folder_ / "tools").string()}, {"KUBECONFIG", kubeconfig_}};
  for (auto name : {"CLUSTER_NAME", "CLUSTER_CACHE", "CLUSTER_STATE",
                    "CLUSTER_RUN", "DOTNET_ROOT"})
    if (auto value = variable(name); !value.empty())
      environment[name] = value;
  return std::make_unique<process>(std::move(command), environment, log);
}

command_result HelmStage::run(std::vector<std::string> command) {
  auto child = begin(std::move(command));
  auto code = child->wait(240s);
  return {code.value_or(-1), child->output()};
}

std::unique_ptr<process> HelmStage::follow_worker() {
  return begin({"kubectl", "--namespace", namespace_, "get", "pods", "-l",
                "agent.octopus.com/component=tentacle", "--watch",
                "--output-watch-events", "-o",
                "jsonpath={.type} {.object.metadata.uid} "
                "{.object.status.containerStatuses[0].state}{'\\n'}"});
}

command_result HelmStage::kubectl(std::vector<std::string> arguments) {
  std::vector<std::string> command{"kubectl", "--request-timeout=60s",
                                   "--namespace", namespace_};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run(std::move(command));
}

command_result HelmStage::helm(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), helm_);
  arguments.insert(arguments.end(), {"--namespace", namespace_});
  return run(std::move(arguments));
}

void HelmStage::use_helm(const std::string& name) {
  auto found = find_helm(name);
  if (!found && !variable("CUTTLE_NEED_HELM").empty())
    FAIL() << "there is no " << name << ", although CUTTLE_NEED_HELM is set";
  if (!found)
    GTEST_SKIP() << "there is no " << name;
  helm_ = *found;
  auto version = run({helm_, "version", "--template", "{{.Version}}"});
  ASSERT_TRUE(version.text.starts_with(name == "helm4" ? "v4." : "v3."))
    << version.text;
}

std::string HelmStage::atomic() const {
  return helm_.ends_with("helm4") ? "--rollback-on-failure" : "--atomic";
}

bool HelmStage::reaches(const std::string& pod, const std::string& address,
                        int port) {
  auto there = "/dev/tcp/" + address + "/" + std::to_string(port);
  auto done = kubectl({"exec", pod, "--", "timeout", "2", "bash", "-c",
                       ": < " + there + " && echo reached"});
  return done.text.find("reached\n") != std::string::npos;
}

void HelmStage::make_pod(const std::string& name, const json& labels) {
  json container = {{"name", "idle"},
                    {"image", script_image_},
                    {"imagePullPolicy", "IfNotPresent"},
                    {"command", {"sleep", "3600"}}};
  json pod = {{"apiVersion", "v1"},
              {"kind", "Pod"},
              {"metadata", {{"name", name}, {"labels", labels}}},
              {"spec",
               {{"containers", json::array({container})},
                {"terminationGracePeriodSeconds", 0}}}};
  auto file = folder_ / (name + ".json");
  std::ofstream{file} << pod;
  auto made = kubectl({"apply", "-f", file.string()});
  ASSERT_EQ(made.code, 0) << made.text;
  auto runs = kubectl(
    {"wait", "--for=condition=Ready", "pod/" + name, "--timeout=60s"});
  ASSERT_EQ(runs.code, 0) << runs.text;
}

std::string HelmStage::address_of(const std::string& selector) {
  auto pods = list("pods", selector);
  EXPECT_EQ(pods.size(), 1u) << selector << ": " << pods;
  if (pods.size() != 1)
    return {};
  return pods[0].value("/status/podIP"_json_pointer, "");
}

void HelmStage::make_namespace() {
  json objects = {{"apiVersion", "v1"}, {"kind", "List"}};
  objects["items"] = {
    {{"apiVersion", "v1"},
     {"kind", "Namespace"},
     {"metadata",
      {{"name", namespace_},
       {"labels",
        {{"cuttle.test/prepared", "yes"},
         {"pod-security.kubernetes.io/enforce", "restricted"}}}}}},
    {{"apiVersion", "v1"},
     {"kind", "PersistentVolume"},
     {"metadata", {{"name", namespace_}}},
     {"spec",
      {{"capacity", {{"storage", "10Gi"}}},
       {"accessModes", {"ReadWriteOnce"}},
       {"storageClassName", namespace_},
       {"persistentVolumeReclaimPolicy", "Retain"},
       {"hostPath", {{"path", home().string()}, {"type", "Directory"}}}}}},
  };
  std::ofstream{folder_ / "namespace.json"} << objects;
  auto made = kubectl({"apply", "-f", (folder_ / "namespace.json").string()});
  made_ = true;
  ASSERT_EQ(made.code, 0) << made.text;
}

json HelmStage::values() const {
  json result;
  result["agent"]["image"] = split_image(worker_image_);
  result["agent"]["pollingConnectionCount"] = 3;
  result["scriptPods"]["worker"]["image"] = split_image(script_image_);
  result["persistence"] = {{"storageClassName", namespace_},
                           {"volumeName", namespace_},
                           {"size", "1Gi"}};
  auto& agent = result["agent"];
  auto address = "https://" + host_ + ":";
  agent["acceptEula"] = "Y";
  agent["name"] = "Shop";
  agent["serverUrl"] = address + std::to_string(rest_->port());
  agent["serverCommsAddresses"] = {address + std::to_string(port_) + "/"};
  agent["serverApiKey"] = "API-ADMIN";
  agent["serverCertificate"]
    = crypto::to_base64(crypto::as_bytes(rest_->authority()));
  agent["worker"]["initial"]["workerPools"] = {"Default Worker Pool"};
  return result;
}

std::string HelmStage::values_file(const json& more) {
  auto wanted = values();
  wanted.merge_patch(more);
  auto file = folder_ / "values.json";
  std::ofstream{file} << wanted;
  return file.string();
}

void HelmStage::install(const json& more, const std::string& chart) {
  auto done = helm({"install", release_, chart, "--values", values_file(more)});
  ASSERT_EQ(done.code, 0) << done.text;
}

std::string HelmStage::rendered() {
  auto folder = folder_ / "rendered";
  auto done = helm({"template", release_, chart_folder(), "--values",
                    values_file(json::object()), "--output-dir",
                    folder.string(), "--validate"});
  EXPECT_EQ(done.code, 0) << done.text;
  return done.code == 0 ? (folder / "kubernetes-worker/templates").string()
                        : std::string{};
}

command_result HelmStage::upgrade(const std::string& chart, const json& more,
                                  std::vector<std::string> extra) {
  std::vector<std::string> command{"upgrade",  release_,
                                   chart,      "--reset-values",
                                   "--values", values_file(more)};
  command.insert(command.end(), extra.begin(), extra.end());
  return helm(std::move(command));
}

void HelmStage::connect() {
  ASSERT_TRUE(eventually([&] { return connections_ > 0; }, 150s))
    << "the worker has not connected; its registration said:\n"
    << kubectl({"logs", "-l", "agent.octopus.com/component=tentacle", "-c",
                "register"})
         .text;
}

json HelmStage::get(const std::string& kind, const std::string& name) {
  auto found = kubectl({"get", kind, name, "-o", "json"});
  if (found.code != 0)
    return nullptr;
  return json::parse(found.text, nullptr, false);
}

json HelmStage::list(const std::string& kind, const std::string& selector) {
  std::vector<std::string> command{"get", kind, "-o", "json"};
  if (!selector.empty())
    command.insert(command.end(), {"-l", selector});
  auto found = kubectl(command);
  auto parsed = json::parse(found.text, nullptr, false);
  if (found.code != 0 || !parsed.is_object()) {
    ADD_FAILURE() << kind << ": " << found.text;
    return json::array();
  }
  return parsed["items"];
}

bool HelmStage::may(const std::string& account, std::vector<std::string> what) {
  std::vector<std::string> command{
    "auth", "can-i", "--as=system:serviceaccount:" + namespace_ + ":" + account,
    "--quiet"};
  command.insert(command.end(), what.begin(), what.end());
  return kubectl(command).code == 0;
}

std::optional<double> HelmStage::metric(const std::string& name) {
  for (auto& pod : list("pods", "agent.octopus.com/component=tentacle")) {
    auto path = "/api/v1/namespaces/" + namespace_ + "/pods/"
                + pod["metadata"]["name"].get<std::string>()
                + ":8080/proxy/metrics";
    auto page = kubectl({"get", "--raw", path});
    std::istringstream lines{page.text};
    for (std::string line; std::getline(lines, line);)
      if (page.code == 0 && line.starts_with(name + " "))
        return std::stod(line.substr(name.size()));
  }
  return std::nullopt;
}

running_script_ptr HelmStage::start(const std::string& body) {
  start_script command;
  command.script_body = body;
  return start(std::move(command));
}

running_script_ptr HelmStage::start(start_script command) {
  auto script = std::make_shared<running_script>();
  command.ticket = sim::make_ticket();
  command.task_id = "ServerTasks-1";
  script->ticket = command.ticket;
  sim::script_observer observer;
  observer.on_lines = [this, script](const std::vector<output_line>& lines,
                                     process_state state) {
    if (on_line_)
      for (auto& line : lines)
        on_line_(line);
    script->add(lines, state);
  };
  observer.on_end
    = [script](const sim::script_result& result) { script->end(result); };
  std::lock_guard lock{mutex_};
  server_->run(subscription_, std::move(command), std::move(observer));
  return script;
}

} // namespace cuttle::test
