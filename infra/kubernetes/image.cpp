#include "infra/kubernetes/manifest.hpp"
#include "infra/kubernetes/pod_json.hpp"

namespace cuttle::kubernetes {

namespace {

/// Tag of the tools image; the known ones are 1.26 to 1.36 [IMG-05].
std::string tools_tag(const std::optional<cluster_version>& version) {
  constexpr int oldest = 26;
  constexpr int newest = 36;
  if (!version || version->major != 1 || version->minor < oldest
      || version->minor > newest)
    return "latest";
  return "1." + std::to_string(version->minor);
}

} // namespace

std::string choose_image(const script_pod_settings& settings,
                         const start_script& command,
                         const std::optional<cluster_version>& version) {
  if (command.image && command.image->image && !blank(*command.image->image))
    return *command.image->image;
  if (settings.image && !blank(*settings.image))
    return *settings.image + ':'
           + (blank(settings.image_tag) ? "latest" : settings.image_tag);
  return "octopusdeploy/kubernetes-agent-tools-base:" + tools_tag(version);
}

} // namespace cuttle::kubernetes
