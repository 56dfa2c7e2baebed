#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "infra/kubernetes/cluster.hpp"
#include "infra/kubernetes/pod_template.hpp"
#include "messages/script.hpp"

namespace cuttle::kubernetes {

/// Settings of the worker that end up in script pods (`worker-behaviour` 2.5,
/// section 5). JSON members hold the text of the environment variable.
struct script_pod_settings {
  std::string namespace_name;
  std::string service_account;
  std::string volume_claim;
  std::string release_name;
  /// What script pods and feed secrets go with: the release's config map, which
  /// helm removes. Nothing: they stay.
  std::optional<owner_reference> owner;
  std::string chart_version;
  std::string kubernetes_monitor_enabled;
  std::string server_comms_addresses;
  std::string home = "/octopus";
  std::string instance_name = "Tentacle";
  std::string worker_version;
  std::string certificate_signature_algorithm = "sha256RSA";
  std::optional<std::string> image;
  std::string image_tag = "latest";
  std::optional<std::string> pull_policy;
  std::optional<std::string> proxies_secret;
  std::vector<std::string> image_pull_secrets;
  std::optional<std::string> resources_json;
  std::optional<std::string> affinity_json;
  std::optional<std::string> tolerations_json;
  std::optional<std::string> security_context_json;
  /// Security context of every container of the pod.
  std::optional<std::string> container_security_context_json;
  std::optional<std::string> annotations_json;
  std::optional<std::string> labels_json;
  std::optional<std::string> access_modes_json;
  std::optional<std::string> nfs_watchdog_image;
  /// Calamari comes as an image volume where the cluster can [POD-20].
  bool calamari_image_volume = false;
  std::string calamari_repository = "octopusdeploy";
  std::string calamari_pull_policy = "IfNotPresent";
};

/// What differs from pod to pod besides the command itself.
struct script_pod_input {
  /// Resolved by `choose_image`.
  std::string image;
  /// Name of the feed's pull secret, if one was made [SEC-01].
  std::optional<std::string> feed_secret;
  std::uint64_t volume_free_bytes = 0;
  std::uint64_t volume_total_bytes = 0;
  /// The cluster's version, if known.
  std::optional<cluster_version> version{};
  /// What an administrator wants in every script pod [TPL-04].
  std::optional<pod_template> base{};
};

/// A pod manifest with the lines that the task log gets about it.
struct script_pod_manifest {
  std::string name;
  std::string json;
  /// A warning that comes before all others [POD-21]; empty: none.
  std::string calamari_warning;
  /// Verbose messages, in order [POD-13], [POD-15] to [POD-19].
  std::vector<std::string> notes;
};

/// `octopus-script-<ticket>`, lower-cased, at most 63 characters [POD-01].
std::string script_pod_name(const script_ticket& ticket);

/// The manifest of a script pod, in normal or raw mode [POD-01 … POD-26],
/// [RAW-01 … RAW-03], [TPL-04 … TPL-07].
script_pod_manifest make_script_pod(const script_pod_settings& settings,
                                    const start_script& command,
                                    const script_pod_input& input);

/// The image to run: the command's, else the configured one, else the tools
/// image for the cluster's version [IMG-01], [IMG-05].
std::string choose_image(const script_pod_settings& settings,
                         const start_script& command,
                         const std::optional<cluster_version>& version);

/// Name of the pull secret for a feed [SEC-02]; nothing unless the command has
/// both a feed URL and a user name [SEC-01].
std::optional<std::string> feed_secret_name(const start_script& command);

/// The secret's manifest as JSON [SEC-03], owned by `settings.owner`. Contains
/// the password.
std::string make_feed_secret(const script_pod_settings& settings,
                             const start_script& command);

/// The value of `.dockerconfigjson` in the feed's secret: what `existing` holds
/// for other URLs, and the command's credentials under its own [SEC-03],
/// [SEC-05]. `existing` may be empty; what is no JSON object is replaced.
/// Contains the password.
std::string feed_docker_config(const start_script& command,
                               std::string_view existing);

/// What a snapshot means [MON-10], [MON-13]: state of the container named like
/// the pod, and the cause of waiting or failure with its remedy.
pod_verdict judge(const pod_snapshot& pod);

/// The lines that an event makes in the task log, in order [LOG-16].
/// `pulling_seen`: an event `Pulling` with the same field path came before.
std::vector<output_line> event_lines(const pod_event& event, bool pulling_seen);

} // namespace cuttle::kubernetes
