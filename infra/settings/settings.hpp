#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "infra/crypto/cipher.hpp"
#include "infra/crypto/identity.hpp"
#include "infra/halibut/limits.hpp"
#include "infra/kubernetes/manifest.hpp"
#include "infra/settings/log_level.hpp"
#include "messages/failure.hpp"

namespace cuttle::settings {

/// Reads an environment variable; tests pass a map.
using environment
  = std::function<std::optional<std::string>(const std::string&)>;

/// The process's own environment.
environment process_environment();

/// The HTTP proxy for polling connections.
struct polling_proxy {
  /// Empty: no proxy.
  std::string host;
  std::uint16_t port = 80;
  std::string username;
  std::string password;
};

/// What comes from the environment: one struct, validated once [CFG-*].
/// `docs/settings.md` lists every variable with default, range and metric.
struct environment_settings {
  /// Becomes part of script pods.
  kubernetes::script_pod_settings pods;
  std::string config_map = "tentacle-config";
  std::string encryption_secret = "tentacle-secret";
  std::string runner_directory = "/bootstrapRunner/";
  std::string volume_size;
  log_level level = log_level::info;
  /// Nothing: from the config map, else 1 [RUN-04].
  std::optional<unsigned> polling_connections;
  /// The least and the most of them; nothing: the number above [RUN-04].
  std::optional<unsigned> polling_connections_min;
  std::optional<unsigned> polling_connections_max;
  /// How long a connection beyond the least stays without need.
  std::chrono::seconds polling_idle{300};
  bool disable_pod_cleanup = false;
  bool disable_pod_events = false;
  /// Killed pods and stale volumes are counted in a config map [EVT-01].
  bool capture_metrics = true;
  /// Name and uid of the worker's own pod; may be empty. Without the uid the
  /// worker leaves its pod to the node when it ends.
  std::string own_pod;
  std::string own_pod_uid;
  /// Entries of the config map that the environment has instead [CFG-04].
  std::map<std::string, std::string> contributions;
  /// Nothing: no limit [PND-01].
  std::optional<std::chrono::minutes> pending_limit;
  std::chrono::minutes orphan_age{10};
  std::chrono::seconds watch_timeout{600};
  std::chrono::milliseconds workspace_sweep{std::chrono::hours{2}};
  std::chrono::milliseconds workspace_age{std::chrono::hours{24}};
  /// From the chart; wins over the stored one if it has a host.
  polling_proxy proxy;

  // -- tuning, variables CUTTLE_* -------------------------------------------
  /// 0: from the CPU limit of the container.
  unsigned scheduler_threads = 0;
  unsigned scheduler_throughput = 300;
  unsigned disk_threads = 4;
  /// Operations that are not completed yet.
  std::size_t operations_limit = 1'000;
  /// Scripts beyond that which wait on the volume; 0: none, they are refused.
  std::size_t queue_limit = 1'000;
  /// Pod creations in flight.
  unsigned creations_limit = 32;
  /// API requests in flight.
  unsigned api_requests_limit = 32;
  /// Memory for the output of one operation, in bytes.
  std::size_t log_buffer_bytes = 2 * 1024 * 1024;
  /// The same for all operations together.
  std::size_t log_total_bytes = 16 * 1024 * 1024;
  /// Lines of one status response, in bytes of text.
  std::size_t response_bytes = 4 * 1024 * 1024;
  /// Probes and metrics.
  std::string http_bind = "0.0.0.0";
  std::uint16_t http_port = 8080;
  /// The runners' own links: address of this worker as script pods reach it, an
  /// IP address, and the port. Without the address there are no links, and the
  /// output of scripts is read from the pods' logs.
  std::string link_host;
  std::uint16_t link_port = 8081;
  /// Listening mode, in which servers dial in: nothing unless a port is set.
  std::optional<std::uint16_t> listen_port;
  std::string listen_bind = "::";
  /// Limits of the connections with servers.
  halibut::limits wire;
  /// How long a stop waits for open requests.
  std::chrono::milliseconds drain_patience{25'000};
};

/// One setting that can not be used, as a line for a person.
struct problem {
  std::string variable;
  std::string text;
};

/// What `read_environment` gives: fatal problems, or settings with warnings
/// about values that were ignored [CFG-09].
struct environment_result {
  environment_settings values;
  std::vector<problem> errors;
  std::vector<problem> warnings;
};

environment_result read_environment(const environment& env);

/// Asks `first`, then a file of lines `NAME=value`, which counts for names that
/// begin with `OCTOPUS_` or `TENTACLE_` only [CFG-04].
environment with_env_file(environment first, std::string_view text);

/// The config map's entries that variables `TENTACLE_*` replace, not encrypted
/// [CFG-04].
std::map<std::string, std::string> read_contributions(const environment& env);

/// One server that the worker polls [CFG-10], config map section 2.3.
struct trusted_server {
  std::string thumbprint;
  std::string host;
  std::uint16_t port = 10943;
  std::string subscription;
};

/// What the config map and the secret hold.
struct stored_settings {
  std::vector<trusted_server> servers;
  /// Thumbprints of the servers that may dial in, in listening mode.
  std::vector<std::string> listening_trust;
  std::optional<unsigned> polling_connections;
  bool registered = false;
  crypto::secret_bytes machine_key;
  crypto::secret_bytes machine_iv;
  /// Invalid when the worker has none yet.
  crypto::identity identity;
  polling_proxy proxy;
  /// Which config map it was; set by who has read it.
  std::string config_map_uid;
  std::vector<problem> warnings;
};

/// Data of config map and secret.
using string_map = std::map<std::string, std::string>;

/// Overwrites the values with zeros: a secret that was read is not needed
/// again.
void wipe(string_map& data);

/// Puts what the environment has in the place of the config map's entries, in
/// their form: a certificate or password is encrypted [CFG-04].
void contribute(string_map& config_map, const string_map& contributions,
                crypto::byte_span machine_key, crypto::byte_span machine_iv);

/// Interprets config map and secret. Fails, with one line each, for a secret or
/// certificate that can not be used; other wrong values are warnings [CFG-08].
tl::expected<stored_settings, std::vector<problem>>
read_stored(const string_map& config_map, const string_map& secret);

/// The entries to store for a new identity: certificate (encrypted) and
/// thumbprint [CFG-15].
string_map identity_entries(const crypto::identity& identity,
                            crypto::byte_span machine_key,
                            crypto::byte_span machine_iv);

/// `machine-key` and `machine-iv` with new random content [CFG-11].
string_map new_machine_keys();

/// The entry for trusted servers, as the stock worker writes it.
std::string trusted_servers_json(const std::vector<trusted_server>& servers);

/// Polling connections by [RUN-04], 1 to 512.
unsigned polling_connections(const environment_settings& env,
                             const stored_settings& stored);

/// The least and the most of polling connections, from 1 to 512. They are the
/// number of [RUN-04] unless the environment says another one.
struct connection_range {
  unsigned min = 1;
  unsigned max = 1;
};
connection_range polling_range(const environment_settings& env,
                               const stored_settings& stored);

/// The proxy to use: the environment's if it has a host, else the stored one.
const polling_proxy& effective_proxy(const environment_settings& env,
                                     const stored_settings& stored);

/// CPUs that the container may use, at least 1: the cgroup's quota (v1 or v2,
/// rounded up), but not more than the processors of the process.
unsigned cpu_limit(const std::filesystem::path& cgroup = "/sys/fs/cgroup");

} // namespace cuttle::settings
