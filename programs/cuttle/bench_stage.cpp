#include "programs/cuttle/bench_stage.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "infra/telemetry/log.hpp"
#include "programs/cuttle/bench_metrics.hpp"
#include "programs/cuttle/installation.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto own_worker_patience = 60s;
constexpr auto other_worker_patience = std::chrono::hours{24};
constexpr auto stop_patience = 10s;

} // namespace

bench_stage::bench_stage(const bench_options& options,
                         const load::load_profile& profile, stop_signal& stop)
  : options_(options), profile_(profile), stop_(stop) {}

bench_stage::~bench_stage() {
  stop_servers();
  if (worker_)
    worker_->stop(stop_patience);
  if (cluster_)
    cluster_->objects().clean_up();
}

outcome<void> bench_stage::prepare() {
  auto runner = find_runner_directory();
  if (!runner)
    return fail(errc::not_found,
                "the in-pod runner is not there; build the target "
                "cuttle-runner, or put its folder beside the program");
  runner_ = *runner;
  home_ = folder_.path() / "home";
  fs::create_directory(home_);
  fs::permissions(home_, fs::perms::all);
  if (auto done = start_servers(); !done)
    return done;
  if (!options_.trust)
    if (auto done = start_cluster(); !done)
      return done;
  if (options_.serve)
    explain();
  else if (auto done = start_worker(); !done)
    return done;
  return wait_for_worker();
}

outcome<void> bench_stage::start_servers() {
  for (unsigned i = 0; i < profile_.servers; ++i) {
    auto identity = crypto::identity::generate("Octopus Server");
    if (!identity)
      return tl::unexpected(identity.error());
    auto& next = *servers_.emplace_back(std::make_unique<server>());
    next.subscription
      = options_.subscription.value_or(sim::make_subscription());
    sim::octopus_server::options o;
    o.bind = options_.bind;
    o.port = options_.port == 0 ? std::uint16_t{0}
                                : static_cast<std::uint16_t>(options_.port + i);
    o.spool = folder_.path() / ("spool-" + std::to_string(i));
    fs::create_directory(o.spool);
    // Lines are checked as they come.
    constexpr std::size_t few_lines = 4'096;
    o.keep_bytes = few_lines;
    if (profile_.cadence == load::poll_cadence::fast) {
      o.poll_first = 50ms;
      o.poll_base = 1;
    }
    o.on_worker = [this, &next](const std::string&, bool connected) {
      next.connections += connected ? 1 : -1;
      auto now = std::chrono::steady_clock::now().time_since_epoch().count();
      std::int64_t none = 0;
      if (connected)
        next.first_at.compare_exchange_strong(none, now);
      stop_.notify();
    };
    next.octopus = std::make_unique<sim::octopus_server>(
      next.links, disk_, std::move(*identity), std::move(o));
    auto port = next.octopus->start();
    if (!port)
      return tl::unexpected(port.error());
    next.port = *port;
  }
  return {};
}

outcome<void> bench_stage::start_cluster() {
  auto made = options_.kubeconfig
                ? make_real_bench_cluster(*options_.kubeconfig,
                                          folder_.unique_name(), profile_)
                : make_embedded_bench_cluster(folder_.path() / "cluster",
                                              profile_, !options_.processes);
  if (!made)
    return tl::unexpected(made.error());
  cluster_ = std::move(*made);
  auto identity = crypto::identity::generate();
  if (!identity)
    return tl::unexpected(identity.error());
  worker_identity_ = std::move(*identity);
  std::vector<settings::trusted_server> trusted;
  for (auto& x : servers_) {
    settings::trusted_server entry;
    entry.thumbprint = x->octopus->thumbprint();
    entry.host = options_.bind == "0.0.0.0" ? "127.0.0.1" : options_.bind;
    entry.port = x->port;
    entry.subscription = x->subscription;
    trusted.push_back(std::move(entry));
  }
  auto keys = settings::new_machine_keys();
  auto config = settings::identity_entries(
    worker_identity_, crypto::as_bytes(keys.at("machine-key")),
    crypto::as_bytes(keys.at("machine-iv")));
  config.merge(registered_entries(trusted));
  return cluster_->objects().prepare(home_, config, keys);
}

std::map<std::string, std::string> bench_stage::environment() const {
  auto result = worker_environment(
    {cluster_->objects().namespace_name(), options_.image, home_, runner_});
  result["OCTOPUS__K8STENTACLE__SCRIPTPODPULLPOLICY"] = "IfNotPresent";
  result["OCTOPUS__TENTACLE__LOGLEVEL"] = "Info";
  result["TentaclePollingConnectionCount"]
    = std::to_string(profile_.connections);
  result["CUTTLE_LINK_PORT"] = "0";
  // (pods of a real cluster may not reach this host)
  if (!options_.kubeconfig && profile_.links)
    result["CUTTLE_LINK_HOST"] = "127.0.0.1";
  for (auto& [name, value] : profile_.worker)
    result[name] = value;
  return result;
}

outcome<void> bench_stage::start_worker() {
  auto log = worker_log();
  for (auto& x : servers_)
    x->octopus->transport().trust(worker_identity_.thumbprint());
  worker_started_ = std::chrono::steady_clock::now();
  worker_ = std::make_unique<bench_worker>(cluster_->objects().kubeconfig(),
                                           environment(), log);
  return {};
}

void bench_stage::explain() const {
  for (auto& x : servers_)
    std::fprintf(stderr,
                 "Octopus Server at https://%s:%u, thumbprint %s, subscription "
                 "%s\n",
                 options_.bind.c_str(), unsigned{x->port},
                 x->octopus->thumbprint().c_str(), x->subscription.c_str());
  for (auto& x : servers_)
    x->octopus->transport().trust(
      options_.trust.value_or(worker_identity_.thumbprint()));
  if (!cluster_)
    return;
  auto file = folder_.path() / "worker.env";
  std::ofstream out{file};
  for (auto& [name, value] : environment())
    out << name << "='" << value << "'\n";
  std::fprintf(stderr,
               "Connect a worker with\n  set -a; . %s; set +a\n  cuttle run "
               "--kubeconfig %s\n",
               file.c_str(), cluster_->objects().kubeconfig().c_str());
}

outcome<void> bench_stage::wait_for_worker() {
  auto connected = [this] {
    return std::all_of(servers_.begin(), servers_.end(),
                       [](auto& x) { return x->connections > 0; });
  };
  auto ready = [&] { return connected() || (worker_ && !worker_->alive()); };
  auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(
    worker_ ? std::chrono::hours{0} + own_worker_patience
            : std::chrono::seconds{other_worker_patience});
  auto deadline = std::chrono::steady_clock::now() + patience;
  // (the end of the worker tells nobody)
  while (!ready() && std::chrono::steady_clock::now() < deadline)
    if (stop_.wait_for(500ms, ready))
      return fail(errc::cancelled, "interrupted");
  if (connected())
    return {};
  return fail(errc::deadline_exceeded,
              "the worker did not connect to each server; the end of its "
              "log:\n"
                + (worker_ ? worker_->log_tail() : std::string{}));
}

std::vector<load::generator::target> bench_stage::targets() const {
  std::vector<load::generator::target> result;
  for (auto& x : servers_)
    result.push_back({x->octopus.get(), x->subscription});
  return result;
}

std::string bench_stage::description() const {
  return cluster_ ? cluster_->objects().description()
                  : std::string{"a worker that was installed elsewhere"};
}

std::optional<process_usage> bench_stage::usage() {
  if (worker_)
    return worker_->alive() ? usage_of(worker_->id()) : std::nullopt;
  return options_.worker_process ? usage_of(*options_.worker_process)
                                 : std::nullopt;
}

std::optional<std::chrono::microseconds> bench_stage::start_to_polling() const {
  using steady = std::chrono::steady_clock;
  if (worker_started_ == steady::time_point{})
    return std::nullopt;
  auto first = steady::time_point::max();
  for (auto& x : servers_)
    if (auto at = x->first_at.load(); at != 0)
      first = std::min(first, steady::time_point{steady::duration{at}});
  if (first == steady::time_point::max())
    return std::nullopt;
  return std::chrono::duration_cast<std::chrono::microseconds>(
    first - worker_started_);
}

std::optional<double> bench_stage::actors() {
  constexpr auto often_enough = 5s;
  auto now = std::chrono::steady_clock::now();
  if (!worker_ || now < actors_at_ + often_enough)
    return actors_;
  actors_at_ = now;
  if (auto port = metrics())
    actors_ = metric_of(port, "cuttle_actors");
  return actors_;
}

std::optional<load::own_time> bench_stage::own_start() {
  auto port = worker_ ? metrics() : std::uint16_t{0};
  if (port == 0)
    return std::nullopt;
  return own_time_of(metrics_page(port), "cuttle_start_seconds");
}

std::uint16_t bench_stage::metrics() {
  if (metrics_port_ == 0)
    metrics_port_ = metrics_port(worker_log());
  return metrics_port_;
}

std::filesystem::path bench_stage::worker_log() const {
  return options_.worker_log.value_or(folder_.path() / "worker.log");
}

void bench_stage::stop_worker() {
  if (worker_)
    worker_->stop(stop_patience);
  worker_.reset();
}

void bench_stage::stop_servers() {
  if (cluster_)
    cluster_->stop_watching();
  for (auto& x : servers_)
    if (x->octopus)
      x->octopus->stop();
}

} // namespace cuttle
