#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <unistd.h>

#include "infra/octopus/match.hpp"
#include "programs/cuttle/child_program.hpp"
#include "programs/cuttle/wizard.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using octopus::answer;
using octopus::mistake;
using octopus::wrong;

constexpr auto health_pause = 2s;

// A folder of our own that goes with it.
class private_folder {
public:
  private_folder() {
    auto pattern
      = (std::filesystem::temp_directory_path() / "cuttle-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr)
      path_ = pattern;
  }

  ~private_folder() {
    std::error_code ignored;
    if (!path_.empty())
      std::filesystem::remove_all(path_, ignored);
  }

  private_folder(const private_folder&) = delete;
  private_folder& operator=(const private_folder&) = delete;

  const std::filesystem::path& path() const {
    return path_;
  }

private:
  std::filesystem::path path_;
};

// Follows the worker's record on the server and tells of what is new in it.
class health_watch {
public:
  health_watch(octopus::session& server, const std::string& name,
               wizard_terminal& terminal)
    : server_(server), name_(name), terminal_(terminal) {}

  /// Looks once; true when the worker is well. Waiting may cure a failure that
  /// is no answer.
  answer<bool> look(std::chrono::milliseconds patience) {
    server_.extend(patience);
    auto found = server_.workers_named(name_);
    if (!found && !octopus::worth_waiting(found.error().what))
      return tl::unexpected(found.error());
    if (!found)
      return false;
    auto* worker = octopus::find_worker(*found, name_);
    if (worker == nullptr)
      return false;
    terminal_.reached(install_stage::registered);
    auto health = worker->health.empty() ? "unknown" : worker->health;
    if (health != last_)
      terminal_.say("  " + octopus::one_line(worker->id, 80) + ": "
                    + octopus::one_line(health, 40));
    last_ = health;
    return health == "Healthy" || health == "HasWarnings";
  }

  std::string last() const {
    return octopus::one_line(last_, 40);
  }

private:
  octopus::session& server_;
  const std::string& name_;
  wizard_terminal& terminal_;
  std::string last_ = "no record yet";
};

answer<void> run_helm(const wizard_options& options, const install_plan& plan,
                      wizard_terminal& terminal, health_watch& health,
                      clock::time_point until, std::stop_token stop) {
  private_folder folder;
  auto file = folder.path() / "values.yaml";
  if (auto done = write_private(file, render_values(plan, true)); !done)
    return done;
  child_program helm;
  helm.command = helm_arguments(plan, file.string());
  if (!options.kubeconfig.empty())
    helm.command.insert(helm.command.begin(),
                        {"--kubeconfig", options.kubeconfig});
  if (!options.kube_context.empty())
    helm.command.insert(helm.command.begin(),
                        {"--kube-context", options.kube_context});
  helm.command.insert(helm.command.begin(), options.helm);
  helm.until = until;
  helm.line = [&](const std::string& line) {
    terminal.say("  " + octopus::one_line(line, 1'000));
  };
  // Helm waits for the pod; the server may know of the worker before.
  helm.tick = [&] { (void)health.look(1s); };
  switch (run_program(helm, std::move(stop))) {
  case child_end::good:
    return {};
  case child_end::failed:
    return wrong(mistake::refused,
                 "Helm failed; what it says is above. The log of the worker's "
                 "pod names what is wrong with a registration.");
  case child_end::not_started:
    return wrong(mistake::option_wrong,
                 "'" + options.helm
                   + "' can not be started. Install Helm 3.8 or later, or give "
                     "its path with --helm.");
  case child_end::late:
    return wrong(mistake::no_answer, "Helm was not done in time and was "
                                     "stopped. Look at the pods and events of "
                                     "the namespace; --timeout gives it more.");
  case child_end::stopped:
    break;
  }
  return wrong(mistake::no_answer,
               "Helm was stopped because the wizard ends. Look at the release "
               "with 'helm status' before you run it again.");
}

} // namespace

answer<void> install(const wizard_options& options, const install_plan& plan,
                     octopus::session& server, wizard_terminal& terminal,
                     std::stop_token stop) {
  auto until = clock::now() + options.timeout;
  health_watch health{server, plan.name, terminal};
  terminal.reached(install_stage::helm);
  terminal.say("Running helm: release " + plan.release + ", namespace "
               + plan.namespace_name + ".");
  if (auto done = run_helm(options, plan, terminal, health, until, stop); !done)
    return done;
  terminal.reached(install_stage::installed);
  terminal.say("Helm is done. Waiting for the worker '"
               + octopus::one_line(plan.name, 80) + "' to be healthy.");
  std::mutex mutex;
  std::condition_variable_any stopped;
  for (;;) {
    auto well = health.look(20s);
    if (!well)
      return tl::unexpected(well.error());
    if (*well) {
      terminal.reached(install_stage::healthy);
      return {};
    }
    if (clock::now() + health_pause >= until)
      return wrong(
        mistake::no_answer,
        "The worker is installed, and not healthy in time (last: "
          + health.last() + "). Look at the log of its pod in namespace '"
          + plan.namespace_name + "', and at its health check in the portal.");
    std::unique_lock lock{mutex};
    stopped.wait_for(lock, stop, health_pause, [] { return false; });
    if (stop.stop_requested())
      return wrong(mistake::no_answer,
                   "The worker is installed; whether it is healthy was not "
                   "waited for, because the wizard ends.");
  }
}

} // namespace cuttle
