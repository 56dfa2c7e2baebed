#include "actors/upgrade_hint.hpp"

namespace cuttle {

namespace {

constexpr std::size_t longest_line = 4'000;

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

} // namespace

std::string_view upgrade_hint(std::string_view line) {
  if (line.size() > longest_line || !has(line, "UPGRADE FAILED: ")
      || !has(line, "is forbidden: User \"system:serviceaccount:")
      || !has(line, ":octopus-agent-auto-upgrader\""))
    return {};
  // Helm asks for every object that the chart would add before it writes.
  if (has(line, "Unable to continue with update")
      && has(line, "at the cluster scope"))
    return "The upgrade was refused and changed nothing: this chart has "
           "objects outside of the worker's namespace, where the account "
           "octopus-agent-auto-upgrader has no rights; it is not this "
           "worker's chart, which is kubernetes-worker.";
  // What helm writes first is its own record of the new revision.
  if (has(line, "create: failed to create: secrets is forbidden"))
    return "The upgrade was refused and changed nothing: the account "
           "octopus-agent-auto-upgrader may only read; upgrade this worker "
           "with your own account and its chart kubernetes-worker, or set "
           "cuttle.autoUpgrader.rights to namespace.";
  return {};
}

} // namespace cuttle
