#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "messages/failure.hpp"
#include "messages/pod.hpp"

namespace cuttle::kubernetes {

/// Label of a deployment that is a template [TPL-01].
inline constexpr std::string_view pod_template_label
  = "agent.octopus.com/podTemplate";

/// The oldest of a list of custom resources `ScriptPodTemplate`; nothing if the
/// list is empty. Fails for what is no such list [TPL-01].
outcome<std::optional<pod_template>>
template_of_resources(std::string_view list_json);

/// The oldest of a list of deployments, with its containers `script-template`
/// and `watchdog-template` as those of the template [TPL-01].
outcome<std::optional<pod_template>>
template_of_deployments(std::string_view list_json);

} // namespace cuttle::kubernetes
