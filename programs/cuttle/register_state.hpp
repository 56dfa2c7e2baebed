#pragma once

#include <optional>
#include <string>
#include <vector>

#include "infra/octopus/worker_plan.hpp"
#include "programs/cuttle/register_settings.hpp"

namespace cuttle {

/// What was registered last time: entry `Cuttle.Registration` of the config
/// map. A stock worker does not write it.
struct registration_record {
  /// Base URL of the server.
  std::string server;
  std::string space;
  std::string space_id;
  std::string worker_id;
  std::string name;
  /// As the user gave them.
  std::vector<std::string> pools;
  std::string policy;

  friend bool operator==(const registration_record&, const registration_record&)
    = default;
};

inline constexpr auto key_registration = "Cuttle.Registration";
inline constexpr auto key_subscription = "Cuttle.SubscriptionId";

/// What the config map says before anything is done.
struct register_state {
  bool registered = false;
  std::optional<registration_record> record;
  std::vector<settings::trusted_server> servers;
  /// Empty when there is none yet [REG-10].
  std::string subscription;
  std::string thumbprint;
  bool has_certificate = false;
  bool has_connections = false;
  settings::polling_proxy proxy;
  bool has_proxy_password = false;
};

/// Interprets the config map's data. What can not be understood counts as
/// absent [CFG-08].
register_state read_register_state(const settings::string_map& config_map);

/// The record as its entry.
std::string record_json(const registration_record& record);

/// What there is to do.
struct register_work {
  /// The server has to hear of it.
  bool server = false;
  octopus::changed_parts changed;
  /// The list of servers to poll differs.
  bool addresses = false;
  /// The proxy's entries differ, its password aside.
  bool proxy = false;
  /// For a log line: `pools, polling addresses`.
  std::string reasons;

  bool nothing() const {
    return !server && !addresses && !proxy;
  }
};

/// Compares what is wished with what is stored. An installation that is
/// registered and has no record (a stock worker's) is to be recorded.
register_work find_work(const register_settings& wish,
                        const register_state& now);

/// Entries of the config map for the servers to poll. `thumbprint` is the
/// server's certificate.
std::string servers_entry(const register_settings& wish,
                          const std::string& subscription,
                          const std::string& thumbprint);

/// Entries for the proxy; nothing for a value removes the key. The password is
/// sealed by the caller, empty for none.
std::map<std::string, std::optional<std::string>>
proxy_entries(const settings::polling_proxy& proxy,
              const std::string& sealed_password);

/// `poll://` + 20 characters + `/`, new.
std::string new_subscription();

} // namespace cuttle
