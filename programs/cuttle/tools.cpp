#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <map>
#include <string>

#include "programs/cuttle/bench_flags.hpp"
#include "programs/cuttle/commands.hpp"
#include "programs/cuttle/deregister.hpp"
#include "programs/cuttle/register.hpp"
#include "programs/cuttle/scenario.hpp"
#include "programs/cuttle/wizard_options.hpp"

namespace {

int run(int argc, char** argv) {
  CLI::App app{"Cuttle, a Kubernetes worker for Octopus Deploy", "cuttle"};
  app.set_version_flag("--version", std::string{CUTTLE_VERSION});
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::help);
  cuttle::run_options run;
  auto* run_command = app.add_subcommand(
    "run", "Run the worker; inside its pod, or anywhere with --kubeconfig");
  run_command
    ->add_option("--kubeconfig", run.kubeconfig,
                 "Credentials for a worker outside of the cluster")
    ->check(CLI::ExistingFile);
  cuttle::demo_options demo;
  auto* demo_command = app.add_subcommand(
    "demo", "Play a small release on embedded parts and show it");
  demo_command
    ->add_option("--kubeconfig", demo.kubeconfig,
                 "Play it on this cluster; its node must see the files of this "
                 "machine")
    ->check(CLI::ExistingFile);
  demo_command->add_option("--image", demo.image, "Default image of the steps");
  demo_command->add_option("--custom-image", demo.custom_image,
                           "Image of the step that names one");
  auto* serve = demo_command->add_flag(
    "--serve", demo.serve, "Stay up and say how to connect another worker");
  demo_command
    ->add_flag("--listening", demo.listening,
               "The server dials the worker, instead of being polled by it")
    ->excludes(serve);
  demo_command->add_flag("--verbose", demo.verbose,
                         "Show the verbose lines of the task logs as well");
  demo_command->add_flag("--plain", demo.plain, "Never use colours");
  using cuttle::settings::log_level;
  const std::map<std::string, log_level> levels{{"debug", log_level::debug},
                                                {"info", log_level::info},
                                                {"warn", log_level::warn},
                                                {"error", log_level::error}};
  demo_command
    ->add_option("--log-level", demo.log_level,
                 "Level of the parts' own log on standard error")
    ->transform(CLI::CheckedTransformer(levels, CLI::ignore_case));
  demo_command->add_option(
    "--scenario", demo.scenario,
    "Play one of the end-to-end scenarios instead, with its expectations; "
    "'list' shows them");
  cuttle::bench_flags bench{app};
  cuttle::register_options registration;
  auto* register_command = app.add_subcommand(
    "register",
    "Register the worker with an Octopus Server, or bring its registration up "
    "to date; the environment says how");
  register_command
    ->add_option("--kubeconfig", registration.kubeconfig,
                 "Credentials outside of the cluster")
    ->check(CLI::ExistingFile);
  register_command->add_option("-n,--namespace", registration.namespace_name,
                               "Namespace of the worker's config map");
  register_command->add_option(
    "--existing", registration.existing,
    "What to do about a worker of the same name: take-over (default), refuse, "
    "force, adopt");
  register_command
    ->add_option("--ca-file", registration.ca_file,
                 "PEM of an authority to trust besides the system's")
    ->check(CLI::ExistingFile);
  register_command->add_flag(
    "--strict", registration.strict,
    "Fail when a change can not be applied to a registered worker");
  cuttle::deregister_options removal;
  auto* deregister_command = app.add_subcommand(
    "deregister", "Delete the worker's record from the Octopus Server");
  deregister_command
    ->add_option("--kubeconfig", removal.kubeconfig,
                 "Credentials outside of the cluster")
    ->check(CLI::ExistingFile);
  deregister_command->add_option("-n,--namespace", removal.namespace_name,
                                 "Namespace of the worker's config map");
  deregister_command
    ->add_option("--ca-file", removal.ca_file,
                 "PEM of an authority to trust besides the system's")
    ->check(CLI::ExistingFile);
  deregister_command->add_option(
    "--thumbprint", removal.thumbprint,
    "Certificate of a worker whose config map is gone");
  cuttle::wizard_options wizard;
  auto* wizard_command = cuttle::add_wizard(app, wizard);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    // So many flags that their list would hide what is wrong.
    if (bench.command().parsed() && e.get_exit_code() != 0) {
      std::fprintf(stderr, "cuttle bench: %s\n", e.what());
      return 2;
    }
    // CLI11 has an exit code for each kind; for a user there are two.
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (*run_command)
    return cuttle::run_worker(run);
  if (bench.command().parsed()) {
    auto options = bench.options();
    if (!options) {
      std::fprintf(stderr, "cuttle bench: %s\n", options.error().text.c_str());
      return 2;
    }
    return cuttle::run_bench(*options);
  }
  if (*register_command)
    return cuttle::run_register(registration);
  if (*deregister_command)
    return cuttle::run_deregister(removal);
  if (*wizard_command)
    return cuttle::run_wizard(wizard);
  if (demo.scenario)
    return cuttle::run_scenario(demo, *demo.scenario);
  return cuttle::run_demo(demo);
}

} // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "cuttle: %s\n", e.what());
    return 1;
  }
}
