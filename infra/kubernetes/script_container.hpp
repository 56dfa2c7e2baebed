#pragma once

#include <string>

#include "infra/kubernetes/manifest.hpp"
#include "infra/kubernetes/pod_json.hpp"

namespace cuttle::kubernetes {

/// What the containers and volumes of one script pod depend on.
struct pod_parts {
  const script_pod_settings& settings;
  const start_script& command;
  const script_pod_input& input;
  std::string name;
  /// Requests and limits of the script container unless a template has its own.
  json resources;
  /// Reference of the Calamari image to mount; empty: none [POD-20].
  std::string calamari_image;
};

/// Requests of a container for which nobody has set others [POD-12].
json default_resources();

/// The container that runs the script [POD-11], [POD-22] to [POD-24].
/// `base` is the container of a template, or an empty object [TPL-04].
json script_container(const pod_parts& pod, json base);

/// The sidecar that ends the pod when the NFS volume hangs [POD-25].
json nfs_watchdog(const script_pod_settings& settings, json base);

/// Copies the workspace from the shared volume into the pod's own [RAW-02].
json raw_init_container(const pod_parts& pod, json base);

/// The volumes that the containers above mount [RAW-01].
json script_pod_volumes(const pod_parts& pod);

} // namespace cuttle::kubernetes
