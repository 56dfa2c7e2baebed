#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "infra/octopus/session.hpp"
#include "infra/settings/settings.hpp"
#include "programs/cuttle/install_plan.hpp"
#include "programs/cuttle/install_render.hpp"

namespace cuttle {

/// Options of `cuttle wizard`; what is empty is asked for.
struct wizard_options {
  std::string server;
  /// Files; else `CUTTLE_AUTH_DIR` and the variables of `cuttle register`.
  std::filesystem::path api_key_file;
  std::filesystem::path token_file;
  std::string username;
  std::filesystem::path password_file;
  std::filesystem::path ca_file;

  std::string space;
  std::string name;
  std::vector<std::string> pools;
  bool create_pools = false;
  std::string policy;
  std::vector<std::string> comms;
  std::string proxy_host;
  std::uint16_t proxy_port = 80;
  std::string proxy_username;
  std::filesystem::path proxy_password_file;

  std::string namespace_name;
  std::string release;
  std::string storage_class;
  std::string access_mode;
  std::string credential_secret;
  bool namespaced_roles = false;
  /// Hand out the API key itself instead of a token that is valid for an hour.
  bool keep_api_key = false;
  /// A worker of that name may exist.
  bool take_over = false;
  std::string chart{default_chart};
  std::string chart_version{default_chart_version};
  std::string format = "bash";
  /// Instead of standard output; only its owner may read it.
  std::filesystem::path output;
  /// Check namespace and storage class there, and use it for `run`.
  std::string kubeconfig;
  /// Of the kubeconfig; empty: its current one.
  std::string kube_context;
  /// Run helm and wait for the worker.
  bool run = false;
  std::string helm = "helm";
  std::chrono::seconds timeout{600};
  /// Ask on a page of this machine's loopback.
  bool web = false;
  /// Its port; 0 lets the system choose.
  std::uint16_t port = 0;
};

/// How far an installation is.
enum class install_stage : std::uint8_t {
  /// Helm runs.
  helm,
  /// Helm is done.
  installed,
  /// The server has a record of the worker; this may come before `installed`,
  /// and more than once.
  registered,
  /// The server finds it healthy.
  healthy,
};

/// Where the wizard asks. Not thread-safe.
class wizard_terminal {
public:
  virtual ~wizard_terminal() = default;

  /// Whether a person is there.
  virtual bool interactive() const = 0;

  /// Asks one question; an empty answer gives `otherwise`. Nothing at the end
  /// of the input. The answer to a `secret` question is not shown.
  virtual std::optional<std::string>
  ask(const std::string& question, const std::string& otherwise, bool secret)
    = 0;

  /// Says one line.
  virtual void say(const std::string& line) = 0;

  /// Hears how far an installation is.
  virtual void reached(install_stage) {}
};

/// Standard input and error.
class system_terminal final : public wizard_terminal {
public:
  bool interactive() const override;
  std::optional<std::string> ask(const std::string& question,
                                 const std::string& otherwise,
                                 bool secret) override;
  void say(const std::string& line) override;
};

/// What the wizard found out: the plan, and the conversation to go on with.
struct wizard_result {
  install_plan plan;
  std::unique_ptr<octopus::session> server;
};

/// Asks for what is missing and checks everything against the server (and the
/// cluster, with a kubeconfig). A wrong answer of a person is asked for again;
/// without one it is a failure, as is anything that is missing
/// (`install-and-register` 1.2, 1.3). Blocks.
octopus::answer<wizard_result> ask_wizard(const wizard_options& options,
                                          const settings::environment& env,
                                          wizard_terminal& terminal);

/// Runs helm with the plan, and waits until the worker is healthy on the
/// server, with a line for each step. Blocks for at most the timeout, helm's
/// end included; a stop ends helm as well. Secrets are in a file that only its
/// owner may read and that is gone afterwards.
octopus::answer<void> install(const wizard_options& options,
                              const install_plan& plan,
                              octopus::session& server,
                              wizard_terminal& terminal,
                              std::stop_token stop = {});

/// Writes a file that only its owner may read; an old one is replaced.
octopus::answer<void> write_private(const std::filesystem::path& file,
                                    const std::string& text);

/// `cuttle wizard`. Returns 0, 1 for a failure, 2 for missing or wrong options.
int run_wizard(const wizard_options& options);

} // namespace cuttle
