#include "infra/kubernetes/manifest.hpp"

namespace cuttle::kubernetes {

std::string script_pod_name(const script_ticket& ticket) {
  constexpr size_t longest_label = 63;
  auto name = "octopus-script-" + ticket.key();
  if (name.size() > longest_label)
    name.resize(longest_label);
  return name;
}

} // namespace cuttle::kubernetes
