#pragma once

#include <string>
#include <vector>

#include "infra/kubernetes/manifest.hpp"
#include "infra/kubernetes/pod_json.hpp"

namespace cuttle::kubernetes {

/// Linux on arm64 or amd64 [POD-14].
json default_affinity();

/// Whether `value` has the shape of an affinity, as far as this program
/// changes it.
bool is_affinity(const json& value);

/// Keeps the pod beside the worker when the volume can be mounted on one node
/// only [POD-15], [POD-16].
void add_access_mode_affinity(json& affinity,
                              const script_pod_settings& settings,
                              std::vector<std::string>& notes);

/// Replaces the required node affinity by the command's platform [POD-17] to
/// [POD-19].
void add_platform_affinity(json& affinity, const start_script& command,
                           std::vector<std::string>& notes);

} // namespace cuttle::kubernetes
