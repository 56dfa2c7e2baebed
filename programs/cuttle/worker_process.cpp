#include "programs/cuttle/worker_process.hpp"

#include <atomic>
#include <caf/actor_registry.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/init_global_meta_objects.hpp>
#include <caf/logger.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_actor.hpp>
#include <mutex>

#include "actors/context.hpp"
#include "actors/failure.hpp"
#include "actors/work_handing.hpp"
#include "actors/worker.hpp"
#include "infra/crypto/log_keys.hpp"
#include "infra/disk/disk_pool.hpp"
#include "infra/halibut/listening_service.hpp"
#include "infra/halibut/polling_service.hpp"
#include "infra/memory/give_back.hpp"
#include "infra/runner_link/server.hpp"
#include "infra/settings/trusted_servers.hpp"
#include "infra/telemetry/http_endpoint.hpp"
#include "infra/telemetry/log.hpp"
#include "infra/workspace/store.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;

// How long a probe waits for the actors.
constexpr auto probe_patience = 2s;

// Settings of CAF that are not optional here: a scheduler that sleeps while
// idle (work stealing burns CPU then), and a bound on the messages that one
// actor handles in a row.
class system_config : public caf::actor_system_config {
public:
  explicit system_config(const settings::environment_settings& env) {
    auto threads = env.scheduler_threads > 0 ? env.scheduler_threads
                                             : settings::cpu_limit();
    module_factories.emplace_back(make_work_handing);
    set("caf.scheduler.max-threads", std::size_t{threads});
    set("caf.scheduler.max-throughput", std::size_t{env.scheduler_throughput});
    set("caf.logger.file.verbosity", "quiet");
    set("caf.logger.console.verbosity", "quiet");
  }
};

class polling_link final : public server_link {
public:
  polling_link(halibut::io_thread& thread, disk::disk_pool& disk,
               crypto::identity self, halibut::server_endpoint server,
               halibut::polling_options options,
               halibut::service_callbacks callbacks)
    : service_(thread, disk, std::move(self), std::move(server),
               std::move(options), std::move(callbacks)) {}

  void start() override {
    service_.start();
  }

  void stop(std::chrono::milliseconds patience,
            std::function<void()> done) override {
    service_.stop(patience, std::move(done));
  }

private:
  halibut::polling_service service_;
};

/// Servers that dial in.
class listening_link final : public server_link {
public:
  listening_link(halibut::io_thread& thread, disk::disk_pool& disk,
                 crypto::identity self, halibut::listening_options options,
                 halibut::service_callbacks callbacks,
                 std::function<void(std::uint16_t)> on_port)
    : on_link_(callbacks.on_link), on_port_(std::move(on_port)),
      service_(thread, disk, std::move(self), std::move(options),
               std::move(callbacks)) {}

  void start() override {
    using kind = halibut::link_event::kind;
    auto port = service_.start();
    if (port) {
      telemetry::info("listening-for-servers", {{"port", *port}});
      if (on_port_)
        on_port_(*port);
      on_link_({kind::listening, 0, {}, {}});
    } else {
      // Health says so; what is polled goes on.
      telemetry::error(
        "not-listening-for-servers",
        {{"setting", "CUTTLE_LISTEN_PORT"}, {"reason", port.error().text}});
      on_link_({kind::disconnected, 0, port.error(), {}});
    }
  }

  void stop(std::chrono::milliseconds patience,
            std::function<void()> done) override {
    service_.stop(patience, std::move(done));
  }

private:
  std::function<void(const halibut::link_event&)> on_link_;
  std::function<void(std::uint16_t)> on_port_;
  halibut::listening_service service_;
};

} // namespace

void initialise_actor_types() {
  static std::once_flag once;
  std::call_once(once, [] {
    caf::init_global_meta_objects<caf::id_block::cuttle>();
    caf::core::init_global_meta_objects();
  });
}

struct worker_process::impl {
  explicit impl(worker_process::options o)
    : options(std::move(o)), disk(options.env.disk_threads) {
    kubernetes::api_options api;
    api.in_flight = options.env.api_requests_limit;
    api.watch_timeout = options.env.watch_timeout;
    api.on_call = options.on_call;
    cluster = std::make_unique<kubernetes::api_client>(options.access,
                                                       std::move(api));
    templates = std::make_shared<kubernetes::template_cache>(*cluster);
    workspace::store_options files;
    files.home = options.env.pods.home;
    files.runner_directory = options.env.runner_directory;
    files.volume_size = options.env.volume_size;
    files.link_address = open_links();
    store = workspace::make_store(disk, std::move(files));
  }

  // Where runners dial in; empty, with a reason in the log, when they can not.
  std::string open_links() {
    const auto& host = options.env.link_host;
    if (host.empty())
      return {};
    auto is_six = host.find(':') != std::string::npos;
    runner_link::server_options o;
    o.bind = is_six ? "::" : "0.0.0.0";
    o.port = options.env.link_port;
    std::uint16_t port = 0;
    auto made = runner_link::make_server(links, o, port);
    if (!made) {
      telemetry::error("runner-links-off", {{"setting", "CUTTLE_LINK_PORT"},
                                            {"reason", made.error().text}});
      return {};
    }
    runner_links = std::move(*made);
    telemetry::info("runner-links-listening", {{"port", port}});
    return (is_six ? "[" + host + "]" : host) + ":" + std::to_string(port);
  }

  ~impl() {
    endpoint.reset();
    if (system && worker) {
      caf::scoped_actor self{*system};
      self->send_exit(worker, caf::exit_reason::kill);
      worker = nullptr;
    }
  }

  // -- start ----------------------------------------------------------------

  std::vector<settings::problem> start(stop_signal& stop) {
    if (options.http)
      if (auto trouble = start_endpoint())
        return {*trouble};
    // A client of its own, that soon says why it gets no answer.
    kubernetes::api_options api;
    api.patience = 3s;
    api.on_call = options.on_call;
    kubernetes::api_client first{options.access, std::move(api)};
    auto loaded = load_stored_settings(first, options.env, stop);
    if (std::holds_alternative<interrupted>(loaded))
      return {};
    if (auto* problems = std::get_if<std::vector<settings::problem>>(&loaded))
      return std::move(*problems);
    auto& stored = std::get<settings::stored_settings>(loaded);
    for (auto& x : stored.warnings)
      telemetry::warn("setting-ignored",
                      {{"setting", x.variable}, {"reason", x.text}});
    auto listens = options.env.listen_port && !stored.listening_trust.empty();
    if (stored.servers.empty() && !listens)
      return {{options.env.config_map,
               "The worker is not registered with any server: the config map "
               "has no Tentacle.Communication.TrustedOctopusServers. Register "
               "it, or restore the config map of an earlier installation."}};
    thumbprint = stored.identity.thumbprint();
    spawn(stored, stop);
    return {};
  }

  std::optional<settings::problem> start_endpoint() {
    telemetry::http_endpoint::options o;
    o.bind = options.env.http_bind;
    o.port = options.env.http_port;
    telemetry::http_endpoint_callbacks callbacks;
    callbacks.health = [this](telemetry::probe_reply reply) {
      // Once round all that must run: this thread, the scheduler of the actors,
      // and the thread of the calls to the cluster. Who is stuck lets the
      // endpoint's patience run out.
      probe(live_atom_v, true, "starting",
            [this, reply = std::move(reply)](telemetry::probe_result result) {
              cluster->echo([reply, result] { reply(result); });
            });
    };
    callbacks.ready = [this](telemetry::probe_reply reply) {
      probe(ready_atom_v, false, "The worker waits for its config map.",
            std::move(reply));
    };
    callbacks.metrics = [this] {
      count_actors();
      return metrics.render();
    };
    endpoint = std::make_unique<telemetry::http_endpoint>(links, o,
                                                          std::move(callbacks));
    auto bound = endpoint->start();
    if (!bound)
      return settings::problem{"CUTTLE_HTTP_PORT", bound.error().text};
    http_port = *bound;
    telemetry::info("probes-listening", {{"port", http_port}});
    return std::nullopt;
  }

  void spawn(const settings::stored_settings& stored, stop_signal& stop) {
    auto context = std::make_shared<worker_context>(
      worker_context{*cluster, *store, metrics, options.env});
    context->log_key
      = [keys = std::make_shared<crypto::log_keys>(stored.machine_key)](
          const script_ticket& ticket) { return keys->of(ticket.task_id); };
    context->now = [] { return std::chrono::system_clock::now(); };
    if (!stored.config_map_uid.empty())
      context->settings.pods.owner = kubernetes::owner_reference{
        options.env.config_map, stored.config_map_uid};
    context->links = runner_links.get();
    context->templates = templates;
    context->on_quiet = [this] { disk.post(memory::give_back); };
    context->on_step = [](std::string_view step, const script_ticket& ticket) {
      if (telemetry::enabled(settings::log_level::debug))
        telemetry::debug("step", {{"at", step}, {"ticket", ticket.task_id}});
    };
    auto connections = settings::polling_range(options.env, stored);
    for (auto& server : settings::polled_servers(stored.servers))
      context->servers.push_back(factory(server, stored, connections));
    if (options.env.listen_port)
      context->servers.push_back(listening_factory(stored));
    initialise_actor_types();
    config = std::make_unique<system_config>(options.env);
    system = std::make_unique<caf::actor_system>(*config);
    auto root = spawn_worker(*system, std::move(context));
    system->spawn([this, root, &stop](caf::event_based_actor* self) {
      self->set_down_handler([this, self, &stop](const caf::down_msg&) {
        ended = true;
        stop.notify();
        self->quit();
      });
      self->monitor(root);
      // Stays until the root has ended.
      return caf::behavior{[](int) {}};
    });
    std::lock_guard lock{worker_mutex};
    worker = std::move(root);
  }

  server_link_factory factory(const settings::polled_server& server,
                              const settings::stored_settings& stored,
                              settings::connection_range connections) {
    halibut::server_endpoint endpoint_of;
    endpoint_of.host = server.host;
    endpoint_of.port = server.port;
    endpoint_of.thumbprints = server.thumbprints;
    endpoint_of.subscription = server.subscription;
    auto& proxy = settings::effective_proxy(options.env, stored);
    if (!proxy.host.empty())
      endpoint_of.proxy = halibut::proxy_settings{
        proxy.host, proxy.port, proxy.username, proxy.password};
    halibut::polling_options polling;
    polling.connections = connections.min;
    polling.connections_max = connections.max;
    polling.connection_idle = options.env.polling_idle;
    polling.limits = options.env.wire;
    polling.spool = workspace::spool_directory(options.env.pods.home);
    return {endpoint_of.name(),
            [this, endpoint_of, polling,
             identity = stored.identity](halibut::service_callbacks callbacks) {
              return std::make_unique<polling_link>(links, disk, identity,
                                                    endpoint_of, polling,
                                                    std::move(callbacks));
            }};
  }

  server_link_factory
  listening_factory(const settings::stored_settings& stored) {
    halibut::listening_options listening;
    listening.bind = options.env.listen_bind;
    listening.port = *options.env.listen_port;
    listening.trusted = stored.listening_trust;
    listening.limits = options.env.wire;
    listening.spool = workspace::spool_directory(options.env.pods.home);
    return {"listener", [this, listening, identity = stored.identity](
                          halibut::service_callbacks callbacks) {
              return std::make_unique<listening_link>(
                links, disk, identity, listening, std::move(callbacks),
                options.on_listening);
            }};
  }

  // -- probes ---------------------------------------------------------------

  // Called on the links' thread: a short-lived actor asks the worker. To spawn
  // leaves a reference to the system's logger with the thread, and the system
  // does not end before that is gone.
  template <class Atom>
  void probe(Atom question, bool before_start, const char* text,
             telemetry::probe_reply reply) {
    worker_actor target;
    {
      std::lock_guard lock{worker_mutex};
      target = worker;
    }
    if (!target && draining)
      text = "The worker is about to stop.";
    if (!target) {
      reply({before_start, text});
      return;
    }
    struct forget_logger {
      ~forget_logger() {
        caf::logger::set_current_actor_system(nullptr);
      }
    } at_end;
    system->spawn([target, question, reply](caf::event_based_actor* self) {
      self->request(target, probe_patience, question)
        .then(
          [reply](const probe_report& report) {
            reply({report.ok, report.text});
          },
          [reply](const caf::error& e) {
            reply({false, "The worker does not answer: " + to_string(e)});
          });
    });
  }

  // (the page may be asked for before there are any)
  void count_actors() {
    std::lock_guard lock{worker_mutex};
    if (!worker)
      return;
    metrics
      .gauge("cuttle_actors",
             "Actors that run: a dozen and some for each script.")
      .set(static_cast<double>(system->registry().running()));
  }

  // -- stop -----------------------------------------------------------------

  void drain() {
    worker_actor target;
    {
      // Nobody who asks from now on finds it ready.
      std::lock_guard lock{worker_mutex};
      target = std::exchange(worker, worker_actor{});
      draining = true;
    }
    if (!target)
      return;
    caf::scoped_actor self{*system};
    self->request(target, options.env.drain_patience + 5s, drain_atom_v)
      .receive(
        [] {},
        [](const caf::error& e) {
          telemetry::warn("drain-incomplete", {{"reason", to_string(e)}});
        });
    self->send_exit(target, caf::exit_reason::user_shutdown);
    self->wait_for(target);
  }

  // Drivers first: they outlive the actors.
  worker_process::options options;
  halibut::io_thread links;
  disk::disk_pool disk;
  telemetry::registry metrics;
  std::unique_ptr<kubernetes::api_client> cluster;
  std::shared_ptr<kubernetes::template_cache> templates;
  std::unique_ptr<runner_link::server> runner_links;
  std::unique_ptr<workspace::store> store;
  std::unique_ptr<system_config> config;
  std::unique_ptr<caf::actor_system> system;
  std::mutex worker_mutex;
  worker_actor worker;
  std::unique_ptr<telemetry::http_endpoint> endpoint;
  std::atomic<bool> ended = false;
  std::atomic<bool> draining = false;
  std::string thumbprint;
  std::uint16_t http_port = 0;
};

worker_process::worker_process(options options)
  : impl_(std::make_unique<impl>(std::move(options))) {}

worker_process::~worker_process() = default;

std::vector<settings::problem> worker_process::start(stop_signal& stop) {
  return impl_->start(stop);
}

bool worker_process::wait(stop_signal& stop) {
  return stop.wait([this] { return impl_->ended.load(); });
}

void worker_process::drain() {
  impl_->drain();
}

const std::string& worker_process::thumbprint() const {
  return impl_->thumbprint;
}

std::uint16_t worker_process::http_port() const {
  return impl_->http_port;
}

} // namespace cuttle
