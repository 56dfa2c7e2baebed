#pragma once

#include <string>
#include <vector>

#include "infra/kubernetes/manifest.hpp"
#include "infra/kubernetes/pod_json.hpp"

namespace cuttle::kubernetes {

/// Labels of a script pod in merge order [POD-03] to [POD-07]; `base` are those
/// of a template.
json script_pod_labels(const script_pod_settings& settings,
                       const start_script& command, const json& base,
                       std::vector<std::string>& notes);

/// Annotations of a script pod in merge order [POD-04] to [POD-07]; `base` are
/// those of a template.
json script_pod_annotations(const script_pod_settings& settings,
                            const start_script& command, const json& base,
                            std::vector<std::string>& notes);

/// `metadata.ownerReferences` of what goes with a config map. It holds up
/// nobody who deletes the config map, so that the rights to delete the object
/// itself are enough to write it.
json owner_references(const owner_reference& owner);

/// Writes the label by which Helm knows its own objects [POD-07].
void add_helm_label(json& labels);

/// Writes the annotations by which Helm knows its own objects [POD-07].
void add_helm_annotations(json& annotations,
                          const script_pod_settings& settings);

} // namespace cuttle::kubernetes
