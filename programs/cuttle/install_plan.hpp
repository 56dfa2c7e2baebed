#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "infra/octopus/mistake.hpp"

namespace cuttle {

/// Where the chart is, unless `--chart` says otherwise: a folder of this
/// project, as it is published nowhere.
inline constexpr std::string_view default_chart = "charts/kubernetes-worker";

/// Whether the chart comes from a repository, where it has a version, rather
/// than from a folder.
inline bool in_repository(std::string_view chart) {
  return chart.find("://") != chart.npos;
}

/// Which chart of a repository, unless `--chart-version` says otherwise. Majors
/// below 3 would be migrated by a server (`install-and-register` 8.4).
inline constexpr std::string_view default_chart_version = "3.*.*";

/// How the worker proves at its first start who installs it.
enum class credential_way : std::uint8_t { bearer_token, api_key };

/// What is to be installed: the answers of the wizard.
struct install_plan {
  std::string chart{default_chart};
  std::string chart_version{default_chart_version};
  std::string release;
  std::string namespace_name;

  std::string server_url;
  std::string space;
  std::string name;
  /// Slugs, or names where there is none.
  std::vector<std::string> pools;
  /// Empty: the default one.
  std::string policy;
  std::vector<std::string> comms;
  credential_way way = credential_way::bearer_token;
  /// Token or key; empty when `credential_secret` names one.
  std::string credential;
  /// Existing secret of the cluster with key `bearer-token` or `api-key`.
  std::string credential_secret;
  std::string proxy_host;
  std::uint16_t proxy_port = 80;
  std::string proxy_username;
  std::string proxy_password;
  /// PEM of an authority to trust.
  std::string ca_pem;
  std::string storage_class;
  std::string access_mode;
  bool namespaced_roles = false;
};

/// One value of the chart.
struct chart_value {
  /// Such as `agent.worker.enabled`.
  std::string path;
  std::variant<std::string, bool, std::int64_t, std::vector<std::string>> value;
  bool secret = false;
};

/// All values that differ from the chart's defaults, in a stable order
/// (`install-and-register` 2).
std::vector<chart_value> values_of(const install_plan& plan);

/// Release name for a display name, as the portal makes it: lower case without
/// blanks, cut to what a name in Kubernetes may be; `worker` when nothing is
/// left.
std::string slug_of(std::string_view name);

/// A worker's namespace for a release.
std::string namespace_for(std::string_view release);

/// Whether a text is a DNS-1123 label of at most `limit` characters.
bool is_dns_label(std::string_view text, std::size_t limit = 63);

/// Whether a text is a DNS-1123 name: labels with dots between them, at most
/// 253 characters, as secrets and storage classes have it.
bool is_dns_name(std::string_view text);

/// Polling address that belongs to a server: `polling.` host for Octopus Cloud,
/// else port 10943 of the server's host.
octopus::answer<std::string> polling_address_of(std::string_view server_url);

} // namespace cuttle
