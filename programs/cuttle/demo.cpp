#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <unistd.h>

#include "infra/sim/octopus_server.hpp"
#include "infra/telemetry/log.hpp"
#include "infra/workspace/store.hpp"
#include "programs/cuttle/commands.hpp"
#include "programs/cuttle/demo_cluster.hpp"
#include "programs/cuttle/demo_player.hpp"
#include "programs/cuttle/installation.hpp"
#include "programs/cuttle/surroundings.hpp"
#include "programs/cuttle/worker_process.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto worker_patience = 60s;

class demo {
public:
  explicit demo(const demo_options& options)
    : options_(options), screen_({!options.plain && isatty(STDOUT_FILENO) == 1,
                                  options.verbose, 24}) {}

  int run() {
    if (auto ready = prepare(); !ready)
      return fail_with(ready.error());
    auto code = play();
    if (options_.serve && !stop_.raised())
      serve();
    finish();
    return code;
  }

private:
  // -- the three parties ----------------------------------------------------

  outcome<void> prepare() {
    auto runner = find_runner_directory();
    if (!runner)
      return fail(errc::not_found,
                  "the in-pod runner is not there; build the target "
                  "cuttle-runner, or put its folder beside the program");
    home_ = folder_.path() / "home";
    fs::create_directory(home_);
    fs::permissions(home_, fs::perms::all);
    if (auto started = start_server(); !started)
      return started;
    auto cluster
      = options_.kubeconfig
          ? make_real_demo_cluster(*options_.kubeconfig, folder_.unique_name())
          : make_embedded_demo_cluster(folder_.path() / "cluster");
    if (!cluster)
      return tl::unexpected(cluster.error());
    cluster_ = std::move(*cluster);
    if (auto made = cluster_->prepare(home_, config_map()); !made)
      return made;
    screen_.say("Cluster: " + cluster_->description());
    make_environment(*runner);
    return start_worker();
  }

  outcome<void> start_server() {
    auto identity = crypto::identity::generate("Octopus Server");
    if (!identity)
      return tl::unexpected(identity.error());
    sim::octopus_server::options o;
    o.spool = folder_.path() / "server-spool";
    fs::create_directory(o.spool);
    o.on_worker = [this](const std::string&, bool connected) {
      connections_ += connected ? 1 : -1;
      stop_.notify();
    };
    o.on_trouble = [](const std::string& reason) {
      telemetry::info("server-trouble", {{"reason", reason}});
    };
    subscription_ = sim::make_subscription();
    server_ = std::make_unique<sim::octopus_server>(links_, disk_, *identity,
                                                    std::move(o));
    auto port = server_->start();
    if (!port)
      return tl::unexpected(port.error());
    port_ = *port;
    screen_.say("Server:  embedded Octopus Server at https://127.0.0.1:"
                + std::to_string(port_) + ", thumbprint "
                + server_->thumbprint());
    return {};
  }

  // What registration leaves behind.
  std::map<std::string, std::string> config_map() const {
    if (options_.listening)
      return {{"Tentacle.Services.IsRegistered", "true"},
              {"Tentacle.Communication.TrustedOctopusServers",
               R"([{"Thumbprint":")" + server_->thumbprint()
                 + R"(","CommunicationStyle":1}])"}};
    settings::trusted_server self;
    self.thumbprint = server_->thumbprint();
    self.host = "127.0.0.1";
    self.port = port_;
    self.subscription = subscription_;
    return registered_entries({self});
  }

  void make_environment(const fs::path& runner) {
    environment_ = worker_environment(
      {cluster_->namespace_name(), options_.image, home_, runner});
    environment_["CUTTLE_LINK_PORT"] = "0";
    if (options_.listening) {
      environment_["CUTTLE_LISTEN_BIND"] = "127.0.0.1";
      environment_["CUTTLE_LISTEN_PORT"] = "0";
    }
    // The pods of a real cluster may not reach this host.
    if (!options_.kubeconfig)
      environment_["CUTTLE_LINK_HOST"] = "127.0.0.1";
  }

  outcome<void> start_worker() {
    auto access = cluster_->worker_access();
    if (!access)
      return tl::unexpected(access.error());
    access->namespace_name = cluster_->namespace_name();
    auto env = settings::read_environment(
      [this](const std::string& name) -> std::optional<std::string> {
        auto i = environment_.find(name);
        return i == environment_.end() ? std::nullopt
                                       : std::optional{i->second};
      });
    if (!env.errors.empty())
      return fail(errc::invalid_request, env.errors.front().text);
    worker_ = std::make_unique<worker_process>(worker_process::options{
      std::move(*access), env.values,
      [this](const kubernetes::api_call& call) { calls_.add(call); },
      [this](std::uint16_t port) {
        worker_port_ = port;
        stop_.notify();
      },
      false});
    auto problems = worker_->start(stop_);
    if (!problems.empty())
      return fail(errc::unavailable,
                  problems.front().variable + ": " + problems.front().text);
    if (stop_.raised())
      return fail(errc::cancelled, "interrupted");
    server_->transport().trust(worker_->thumbprint());
    auto ready = [this] {
      return options_.listening ? worker_port_ > 0 : connections_ > 0;
    };
    if (stop_.wait_for(worker_patience, ready))
      return fail(errc::cancelled, "interrupted");
    if (!ready())
      return fail(errc::deadline_exceeded,
                  options_.listening
                    ? "the worker did not listen within a minute"
                    : "the worker did not connect to the server within a "
                      "minute");
    if (options_.listening)
      subscription_ = add_worker();
    screen_.say("Worker:  Cuttle " CUTTLE_VERSION ", "
                + (options_.listening ? "listening at " + subscription_
                                      : std::string{"polling"})
                + ", thumbprint " + worker_->thumbprint());
    return {};
  }

  std::string add_worker() {
    halibut::worker_endpoint where;
    where.host = "127.0.0.1";
    where.port = worker_port_;
    where.thumbprints = {worker_->thumbprint()};
    return server_->add_listening_worker(std::move(where));
  }

  // -- the release ----------------------------------------------------------

  int play() {
    demo_player player{*server_, subscription_, screen_, calls_, stop_};
    auto package
      = player.upload("Files/web.1.4.2.txt", "web 1.4.2, the whole of it\n");
    if (!package)
      return fail_with(package.error());
    auto stages = make_demo_release(
      package->full_path, package->sha1.value_or(""), options_.custom_image);
    auto rows = player.play(stages, options_.image);
    if (stop_.raised())
      return fail_with({errc::cancelled, "interrupted"});
    screen_.heading("Release web 1.4.2");
    screen_.table(rows);
    auto bad = std::count_if(rows.begin(), rows.end(), [](const demo_row& x) {
      return !x.complaint.empty();
    });
    screen_.say("");
    screen_.say(std::to_string(rows.size()) + " steps, "
                + std::to_string(rows.size() - static_cast<std::size_t>(bad))
                + " ended as they should, " + std::to_string(bad)
                + " did not. Calls to the cluster besides those of the pods: "
                + std::to_string(calls_.others()) + ".");
    return bad == 0 ? 0 : 1;
  }

  // -- another worker -------------------------------------------------------

  void serve() {
    screen_.heading("Serving until Ctrl-C; connect another worker with");
    auto thumbprint = worker_->thumbprint();
    worker_->drain();
    worker_.reset();
    auto file = folder_.path() / "worker.env";
    std::ofstream out{file};
    for (auto& [name, value] : environment_)
      out << name << "='" << value << "'\n";
    out.close();
    screen_.say("  set -a; . " + file.string() + "; set +a");
    screen_.say("  cuttle run --kubeconfig " + cluster_->kubeconfig().string());
    screen_.say("The demo's own worker has left; the next one takes over its "
                "identity from the config map (thumbprint "
                + thumbprint + ", subscription " + subscription_ + ").");
    auto known = connections_.load();
    while (!stop_.wait([&] { return connections_ != known; })) {
      known = connections_;
      screen_.say("Polling connections: " + std::to_string(known));
    }
  }

  // -- the end --------------------------------------------------------------

  int fail_with(const failure& reason) {
    std::fprintf(stderr, "cuttle demo: %s\n", reason.text.c_str());
    finish();
    return 1;
  }

  void finish() {
    if (worker_)
      worker_->drain();
    worker_.reset();
    if (server_)
      server_->stop();
    if (cluster_)
      cluster_->clean_up();
    cluster_.reset();
  }

  demo_options options_;
  stop_signal stop_;
  temporary_folder folder_{"cuttle-demo-"};
  demo_screen screen_;
  halibut::io_thread links_;
  disk::disk_pool disk_;
  call_counter calls_;
  std::atomic<int> connections_ = 0;
  /// Where the worker listens.
  std::atomic<std::uint16_t> worker_port_ = 0;
  std::unique_ptr<sim::octopus_server> server_;
  std::unique_ptr<demo_cluster> cluster_;
  std::unique_ptr<worker_process> worker_;
  fs::path home_;
  std::string subscription_;
  std::uint16_t port_ = 0;
  std::map<std::string, std::string> environment_;
};

} // namespace

int run_demo(const demo_options& options) {
  telemetry::start_logging(options.log_level);
  auto code = demo{options}.run();
  telemetry::stop_logging();
  return code;
}

} // namespace cuttle
