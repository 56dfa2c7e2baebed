#include "programs/cuttle/scenario_stage.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "infra/kubernetes/manifest.hpp"
#include "infra/settings/settings.hpp"
#include "programs/cuttle/await.hpp"
#include "programs/cuttle/installation.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;
using nlohmann::json;
namespace fs = std::filesystem;

/// For everything that ought to happen soon.
constexpr auto patience = 60s;
/// A script may take as long as the slowest of them.
constexpr auto script_patience = 150s;
/// How often the worker's log is looked at while something is waited for.
constexpr auto look_interval = 100ms;

// A line of a log for a screen that has a time of its own.
std::string without_time(const std::string& line) {
  return line.substr(std::min(line.find(' ') + 1, line.size()));
}

} // namespace

// -- the three parties ------------------------------------------------------

scenario_stage::scenario_stage(const demo_options& options,
                               const std::string& version, demo_screen& screen,
                               stop_signal& stop)
  : options_(options), version_(version), screen_(screen), stop_(stop) {}

scenario_stage::~scenario_stage() {
  worker_.reset();
  if (server_)
    server_->stop();
  api_.reset();
  if (cluster_)
    cluster_->clean_up();
}

outcome<void> scenario_stage::prepare(bool registered) {
  auto runner = find_runner_directory();
  if (!runner)
    return fail(errc::not_found,
                "the in-pod runner is not there; build the target "
                "cuttle-runner, or put its folder beside the program");
  home_ = folder() / "home";
  fs::create_directory(home_);
  fs::permissions(home_, fs::perms::all);
  worker_log_ = folder() / "worker.log";
  if (auto done = start_server(); !done)
    return done;
  if (auto done = start_cluster(registered); !done)
    return done;
  make_environment(*runner);
  return {};
}

outcome<void> scenario_stage::start_server() {
  auto identity = crypto::identity::generate("Octopus Server");
  if (!identity)
    return tl::unexpected(identity.error());
  sim::octopus_server::options o;
  o.spool = folder() / "server-spool";
  fs::create_directory(o.spool);
  o.on_worker = [this](const std::string&, bool connected) {
    connections_ += connected ? 1 : -1;
    stop_.notify();
  };
  subscription_ = sim::make_subscription();
  server_ = std::make_unique<sim::octopus_server>(links_, disk_, *identity,
                                                  std::move(o));
  if (auto port = server_->start(); !port)
    return tl::unexpected(port.error());
  return {};
}

outcome<void> scenario_stage::start_cluster(bool registered) {
  auto made
    = options_.kubeconfig
        ? make_real_demo_cluster(*options_.kubeconfig, folder_.unique_name())
        : make_embedded_demo_cluster(folder() / "cluster", version_);
  if (!made)
    return tl::unexpected(made.error());
  cluster_ = std::move(*made);
  auto worker = crypto::identity::generate();
  if (!worker)
    return tl::unexpected(worker.error());
  std::map<std::string, std::string> config;
  std::map<std::string, std::string> keys;
  if (registered) {
    server_->transport().trust(worker->thumbprint());
    keys = settings::new_machine_keys();
    config = settings::identity_entries(
      *worker, crypto::as_bytes(keys.at("machine-key")),
      crypto::as_bytes(keys.at("machine-iv")));
    settings::trusted_server self;
    self.thumbprint = server_->thumbprint();
    self.host = "127.0.0.1";
    self.port = server_->port();
    self.subscription = subscription_;
    config.merge(registered_entries({self}));
  }
  if (auto done = cluster_->prepare(home_, config, keys); !done)
    return done;
  auto access = cluster_->worker_access();
  if (!access)
    return tl::unexpected(access.error());
  access->namespace_name = cluster_->namespace_name();
  api_ = std::make_unique<kubernetes::api_client>(std::move(*access));
  screen_.say("Cluster: " + cluster_->description() + ", Kubernetes "
              + cluster_version());
  return {};
}

void scenario_stage::make_environment(const fs::path& runner) {
  environment_ = worker_environment(
    {cluster_->namespace_name(), options_.image, home_, runner});
  environment_["OCTOPUS__K8STENTACLE__SCRIPTPODPULLPOLICY"] = "IfNotPresent";
  environment_["OCTOPUS__TENTACLE__LOGLEVEL"] = "Info";
}

// -- the worker -------------------------------------------------------------

bool scenario_stage::start_worker() {
  worker_ = std::make_unique<own_program>(
    std::vector<std::string>{"run", "--kubeconfig",
                             cluster_->kubeconfig().string()},
    environment_, worker_log_);
  auto there
    = wait_until([this] { return connections_ > 0 || !worker_->alive(); });
  if (connections_ > 0)
    return true;
  expect("the worker connects to the server", false,
         there ? "it ended: " + worker_->log_tail() : "no connection in time");
  return false;
}

void scenario_stage::kill_worker() {
  note("the worker is killed (process " + std::to_string(worker_->id()) + ")");
  worker_->kill();
  wait_until([this] { return connections_ == 0; });
}

int scenario_stage::stop_worker() {
  note("the worker is asked to end (process " + std::to_string(worker_->id())
       + ")");
  worker_->stop(40s);
  wait_until([this] { return connections_ == 0; });
  return worker_->exit_code().value_or(-1);
}

pid_t scenario_stage::worker_id() const {
  return worker_ ? worker_->id() : -1;
}

int scenario_stage::run_command(
  std::vector<std::string> arguments,
  const std::map<std::string, std::string>& more) {
  note("cuttle " + arguments.front());
  auto environment = environment_;
  for (auto& [name, value] : more)
    environment[name] = value;
  auto log = folder() / ("command-" + std::to_string(++commands_) + ".log");
  own_program program{std::move(arguments), environment, log};
  wait_until([&] { return !program.alive(); });
  std::ifstream file{log};
  for (std::string line; std::getline(file, line);)
    screen_.progress("command", without_time(line));
  return program.exit_code().value_or(-1);
}

void scenario_stage::show_worker_log() {
  std::ifstream file{worker_log_, std::ios::binary};
  file.seekg(static_cast<std::streamoff>(worker_text_.size()));
  worker_text_.append(std::istreambuf_iterator<char>{file}, {});
  for (;;) {
    auto end = worker_text_.find('\n', shown_);
    if (end == std::string::npos)
      return;
    auto line = worker_text_.substr(shown_, end - shown_);
    shown_ = end + 1;
    // (the screen has a time of its own)
    auto rest = line.find(' ');
    screen_.progress("worker",
                     rest == std::string::npos ? line : line.substr(rest + 1));
  }
}

// -- scripts ----------------------------------------------------------------

scenario_script_ptr scenario_stage::start(const std::string& name,
                                          start_script command) {
  auto script = std::make_shared<scenario_script>(name);
  script->ticket_ = sim::make_ticket();
  command.ticket = script->ticket_;
  command.task_id = "ServerTasks-1042";
  command.isolation_mutex_name = "RunningScript";
  sim::script_observer observer;
  observer.on_lines = [this, script](const std::vector<output_line>& lines,
                                     process_state state) {
    {
      std::lock_guard lock{script->mutex_};
      if (script->shown_ != state && state != process_state::complete) {
        script->shown_ = state;
        screen_.progress(script->name_, state == process_state::pending
                                          ? "pending"
                                          : "running");
      }
      screen_.lines(script->name_, script->mode_, lines);
      for (auto& line : lines)
        script->texts_.push_back(line.text);
    }
    stop_.notify();
  };
  observer.on_end = [this, script](const sim::script_result& result) {
    screen_.progress(script->name_, result.trouble.code != errc::none
                                      ? "failed: " + result.trouble.text
                                      : "complete, exit code "
                                          + std::to_string(result.exit_code));
    {
      std::lock_guard lock{script->mutex_};
      script->result_ = result;
    }
    stop_.notify();
  };
  server_->run(subscription_, std::move(command), std::move(observer));
  return script;
}

void scenario_stage::cancel(const scenario_script& script) {
  screen_.progress(script.name(), "the user cancels");
  server_->cancel(script.ticket_);
}

bool scenario_stage::sees(const scenario_script& script,
                          const std::string& text) {
  wait_until([&] { return script.printed(text) || script.ended(); });
  return script.printed(text);
}

sim::script_result scenario_stage::wait(const scenario_script& script) {
  auto deadline = std::chrono::steady_clock::now() + script_patience;
  while (!script.ended() && !stop_.raised()
         && std::chrono::steady_clock::now() < deadline)
    wait_until([&] { return script.ended(); });
  if (!script.ended())
    expect(script.name() + ": the script ends", false, "it went on");
  return script.result();
}

bool scenario_stage::wait_until(const std::function<bool()>& ready) {
  auto deadline = std::chrono::steady_clock::now() + patience;
  auto done = false;
  while (!done && !stop_.raised()
         && std::chrono::steady_clock::now() < deadline) {
    stop_.wait_for(look_interval, [&] { return done = ready(); });
    show_worker_log();
  }
  return done;
}

void scenario_stage::note(const std::string& text) {
  screen_.progress("scenario", text);
}

void scenario_stage::expect(const std::string& what, bool held,
                            const std::string& found) {
  checks_.push_back({what, held, found});
}

void scenario_stage::lacks(const std::string& what) {
  lacking_.push_back(what);
}

// -- the cluster ------------------------------------------------------------

std::string scenario_stage::pod_name(const scenario_script& script) {
  return kubernetes::script_pod_name(script.ticket_);
}

std::string scenario_stage::in_namespace(const std::string& path) const {
  return "/api/v1/namespaces/" + cluster_->namespace_name() + "/" + path;
}

outcome<std::string> scenario_stage::call(const std::string& method,
                                          const std::string& path,
                                          const std::string& body) {
  return await<std::string>(
           patience,
           [&](auto done) { api_->raw(method, path, body, std::move(done)); })
    .value_or(
      fail(errc::deadline_exceeded, "The cluster did not answer in time."));
}

json scenario_stage::get(const std::string& path) {
  auto found = call("GET", in_namespace(path), "");
  if (!found)
    return nullptr;
  auto parsed = json::parse(*found, nullptr, false);
  return parsed.is_object() ? parsed : json(nullptr);
}

bool scenario_stage::create(const std::string& resource, json object) {
  object["apiVersion"] = "v1";
  return call("POST", in_namespace(resource), object.dump()).has_value();
}

bool scenario_stage::remove(const std::string& path, int grace_seconds) {
  note("kubectl delete " + path);
  return call("DELETE",
              in_namespace(path)
                + "?gracePeriodSeconds=" + std::to_string(grace_seconds),
              "")
    .has_value();
}

void scenario_stage::expect_gone(const scenario_script& script) {
  auto pod = "pods/" + pod_name(script);
  auto folder = home_ / "Work" / script.ticket_.task_id;
  auto gone
    = wait_until([&] { return get(pod).is_null() && !fs::exists(folder); });
  expect(script.name() + ": pod and workspace are gone afterwards", gone,
         fs::exists(folder) ? "the workspace is there" : "the pod is there");
}

std::string scenario_stage::cluster_version() {
  auto found = call("GET", "/version", "");
  auto parsed = found ? json::parse(*found, nullptr, false) : json();
  return parsed.is_object() ? parsed.value("gitVersion", std::string{})
                            : std::string{};
}

} // namespace cuttle
