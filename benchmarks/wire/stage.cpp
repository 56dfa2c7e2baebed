#include "benchmarks/wire/stage.hpp"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>
#include <iterator>
#include <sstream>
#include <unistd.h>

#include "infra/settings/settings.hpp"
#include "tests/folders.hpp"

namespace cuttle::bench {

namespace {

using words = std::vector<std::string>;

constexpr auto namespace_name = "octopus-worker-bench";

/// The worker's process. Whoever gives up just exits, and leaves nothing.
std::atomic<pid_t> running = -1;

void end_worker() {
  if (running > 0)
    ::kill(running, SIGKILL);
}

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

std::string first_thumbprint(const std::string& peer, const std::string& pfx) {
  interop::child_process maker{
    {"dotnet", peer, "worker", "--identity-only", "--cert", pfx},
    {},
    pfx + ".txt"};
  auto code = maker.wait();
  auto text = maker.output();
  const std::string mark{"\"thumbprint\":\""};
  auto at = text.find(mark);
  if (code != 0 || at == std::string::npos)
    give_up("OctopusPeer gave no thumbprint: " + text);
  return text.substr(at + mark.size(), 40);
}

} // namespace

const char* name_of(worker_kind kind) {
  return kind == worker_kind::cuttle ? "cuttle" : "library";
}

stage::stage(worker_kind kind, unsigned connections, const std::string& peer) {
  sim::octopus_server::options options;
  options.spool = folder_.path() / "spool";
  std::filesystem::create_directory(options.spool);
  options.on_worker = [this](const std::string&, bool up) {
    connected_.change([up](auto& x) { up ? ++x : --x; });
  };
  server_ = std::make_unique<sim::octopus_server>(
    thread_, disk_, sim::server_identity(), options);
  auto port = server_->start();
  if (!port)
    give_up(port.error().text);
  if (kind == worker_kind::cuttle)
    start_cuttle(*port, connections);
  else
    start_library(*port, connections, peer);
  [[maybe_unused]] static const auto once = std::atexit(end_worker);
  running = worker_->id();
  if (!connected_.wait([connections](auto x) { return x == connections; }))
    give_up("the worker did not connect: " + worker_->output());
}

stage::~stage() {
  running = -1;
  worker_.reset();
  server_.reset();
}

void stage::start_cuttle(std::uint16_t port, unsigned connections) {
  server_->transport().trust(sim::worker_identity().thumbprint());
  sim::embedded_cluster::options options;
  options.directory = folder_.path() / "cluster";
  options.namespace_name = namespace_name;
  cluster_ = std::make_unique<sim::embedded_cluster>(options);
  if (auto started = cluster_->start(); !started)
    give_up(started.error().text);
  settings::trusted_server server;
  server.thumbprint = server_->thumbprint();
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
  auto home = folder_.path() / "home";
  std::filesystem::create_directory(home);
  const std::string prefix{"OCTOPUS__K8STENTACLE__"};
  worker_ = std::make_unique<interop::child_process>(
    words{cuttle_program(), "run", "--kubeconfig",
          cluster_->kubeconfig().string()},
    std::map<std::string, std::string>{
      {prefix + "NAMESPACE", namespace_name},
      {prefix + "PODSERVICEACCOUNTNAME", "octopus-agent-scripts"},
      {prefix + "PODVOLUMECLAIMNAME", "bench"},
      {prefix + "HELMRELEASENAME", "bench"},
      {prefix + "HELMCHARTVERSION", CUTTLE_VERSION},
      {prefix + "PERSISTENTVOLUMESIZE", "10Gi"},
      {prefix + "SCRIPTPODIMAGE", "bench"},
      {prefix + "SCRIPTPODIMAGETAG", "1"},
      {"BOOTSTRAPRUNNEREXECUTABLEDIRECTORY", runner_folder() + "/"},
      {"TentacleHome", home.string()},
      {"TentaclePollingConnectionCount", std::to_string(connections)},
      {"CUTTLE_HTTP_BIND", "127.0.0.1"},
      {"CUTTLE_HTTP_PORT", "0"},
    },
    folder_.path() / "worker.txt");
}

void stage::start_library(std::uint16_t port, unsigned connections,
                          const std::string& peer) {
  auto pfx = (folder_.path() / "worker.pfx").string();
  server_->transport().trust(first_thumbprint(peer, pfx));
  worker_ = std::make_unique<interop::child_process>(
    words{"dotnet", peer, "worker", "--server",
          "127.0.0.1:" + std::to_string(port), "--server-thumbprint",
          server_->thumbprint(), "--subscription", subscription_, "--cert", pfx,
          "--connections", std::to_string(connections), "--work",
          (folder_.path() / "home").string()},
    std::map<std::string, std::string>{}, folder_.path() / "worker.txt");
}

process_cost stage::worker_cost() const {
  auto folder = "/proc/" + std::to_string(worker_->id());
  std::ifstream in{folder + "/stat"};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  std::istringstream rest{text.substr(text.rfind(')') + 2)};
  std::string skipped;
  for (auto i = 0; i < 11; ++i)
    rest >> skipped;
  double user = 0;
  double system = 0;
  rest >> user >> system;
  std::ifstream pages{folder + "/statm"};
  double all = 0;
  double resident = 0;
  pages >> all >> resident;
  return {(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK)),
          resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20)};
}

halibut::received_response stage::call(halibut::outgoing_request request) {
  auto promise = std::make_shared<std::promise<halibut::call_result>>();
  server_->transport().call(subscription_, std::move(request),
                            [promise](halibut::call_result result) {
                              promise->set_value(std::move(result));
                            });
  auto result = promise->get_future().get();
  if (!result)
    give_up("a call failed: " + result.error().text);
  if (result->error)
    give_up("a call failed: " + result->error->message);
  return std::move(*result);
}

} // namespace cuttle::bench
