#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "infra/crypto/identity.hpp"
#include "infra/octopus/session.hpp"
#include "infra/octopus/worker_plan.hpp"
#include "infra/settings/settings.hpp"
#include "infra/settings/trusted_servers.hpp"

namespace cuttle {

/// Where the chart mounts a certificate authority of the user's.
inline constexpr auto mounted_ca_file
  = "/etc/ssl/certs/octopus-server-certificate.pem";

/// What a worker shall be registered as: the environment of the stock
/// registration script, with credentials from files first.
struct register_settings {
  octopus::server_url server;
  octopus::credentials who;
  std::string space;
  /// Empty: the name that is stored, else the host's.
  std::string name;
  std::vector<std::string> pools;
  std::string policy;
  /// Where to poll, each once, in order [REG-08] [REG-18].
  std::vector<settings::host_and_port> comms;
  /// Preset by the user; empty: made anew.
  std::string subscription;
  /// Given by the user; invalid: made anew [CFG-16].
  crypto::identity certificate;
  settings::polling_proxy proxy;
  std::optional<unsigned> connections;
  /// PEM of authorities to trust besides the system's.
  std::string ca_pem;
  octopus::existing_worker existing = octopus::existing_worker::take_over;

  std::string namespace_name;
  std::string config_map;
  std::string secret;
  std::string home;
  std::string applications;
  std::string chart_version;
  settings::log_level level = settings::log_level::info;
};

/// What `read_register_settings` gives: settings, and a line for each thing
/// that keeps them from being used, the most important first [REG-01].
struct register_input {
  register_settings values;
  std::vector<octopus::trouble> wrong;
};

/// What the command line adds to the environment.
struct register_overrides {
  /// `take-over`, `refuse`, `force`, `adopt`; empty:
  /// `CUTTLE_REGISTER_EXISTING`.
  std::string existing;
  /// Empty: `CUTTLE_SERVER_CA_FILE`, else `mounted_ca_file` if it is there.
  std::filesystem::path ca_file;
};

/// Reads the environment, and the files of the folder `CUTTLE_AUTH_DIR`:
/// `bearer-token`, `api-key`, `username`, `password`, `polling-proxy-password`
/// and `certificate`. A file wins over its variable. Blocks on small files.
register_input read_register_settings(const settings::environment& env,
                                      const register_overrides& more);

/// Credentials alone, the same way.
octopus::answer<octopus::credentials>
read_credentials(const settings::environment& env);

/// PEM of the authority to trust; empty when there is none to read.
octopus::answer<std::string> read_ca(const settings::environment& env,
                                     const std::filesystem::path& file);

} // namespace cuttle
