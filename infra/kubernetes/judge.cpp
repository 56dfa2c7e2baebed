#include <algorithm>

#include "infra/kubernetes/manifest.hpp"
#include "infra/kubernetes/text.hpp"

namespace cuttle::kubernetes {

namespace {

using kind = container_status::kind;

/// A reason of Kubernetes with what a person should know and do.
struct advice {
  std::string_view reason;
  std::string_view problem;
  std::string_view remedy;
};

/// Reasons for which a container waits and that mean trouble.
constexpr advice waiting_advice[] = {
  {"ImagePullBackOff", "The image cannot be pulled",
   "Check the image's name and tag, the feed's credentials and whether the "
   "node reaches the registry."},
  {"ErrImagePull", "The image cannot be pulled",
   "Check the image's name and tag, the feed's credentials and whether the "
   "node reaches the registry."},
  {"RegistryUnavailable", "The image registry does not answer",
   "Check whether the node reaches the registry."},
  {"ImageInspectError", "The pulled image cannot be read",
   "Pull the image again under another tag or repair the node's image store."},
  {"InvalidImageName", "The image's name is not valid",
   "Correct the image of the step or of the worker."},
  {"ErrImageNeverPull", "The image is not on the node and must not be pulled",
   "Use the pull policy IfNotPresent or Always, or load the image on the "
   "node."},
  {"CreateContainerConfigError", "The container cannot be configured",
   "Check that the config maps and secrets that the pod names exist and have "
   "the expected keys."},
  {"CreateContainerError", "The container cannot be created",
   "Check the command, the mounts and the node's container runtime."},
  {"RunContainerError", "The container cannot be started",
   "Check that the image has 'sh' and fits the node's architecture."},
  {"StartError", "The container cannot be started",
   "Check that the image has 'sh' and fits the node's architecture."},
  {"CrashLoopBackOff", "The container ends again and again",
   "Look at its log."},
};

/// Reasons with which a container ended that the exit code does not tell.
constexpr advice ended_advice[] = {
  {"OOMKilled", "The container ran out of memory and was killed",
   "Raise the memory limit of script pods or use less memory."},
  {"StartError", "The container could not be started",
   "Check that the image has 'sh' and fits the node's architecture."},
  {"ContainerCannotRun", "The container could not be started",
   "Check that the image has 'sh' and fits the node's architecture."},
  {"ContainerStatusUnknown",
   "The node lost the container, its end is not known",
   "Check whether the node was restarted or the pod was evicted."},
  {"DeadlineExceeded", "The pod ran longer than its active deadline",
   "Raise the deadline that a policy of the cluster sets."},
};

/// Reasons of the pod as a whole.
constexpr advice pod_advice[] = {
  {"Evicted", "The node evicted the pod",
   "Give script pods resource requests that match their use, or free the "
   "node's memory and disk."},
  {"NodeLost", "The node of the pod was lost",
   "Check the node; run the step again."},
  {"Shutdown", "The node of the pod was shut down", "Run the step again."},
  {"NodeShutdown", "The node of the pod was shut down", "Run the step again."},
  {"Terminated", "The node of the pod was shut down", "Run the step again."},
  {"Preempting", "A pod of higher priority took the place of the pod",
   "Give script pods a higher priority or the cluster more capacity."},
  {"Preempted", "A pod of higher priority took the place of the pod",
   "Give script pods a higher priority or the cluster more capacity."},
  {"DeadlineExceeded", "The pod ran longer than its active deadline",
   "Raise the deadline that a policy of the cluster sets."},
  {"NodeAffinity", "The node does not match the pod's affinity any more",
   "Check the node's labels; run the step again."},
  {"UnexpectedAdmissionError", "The node refused the pod",
   "Check the node's devices and its kubelet; run the step again."},
};

template <size_t N>
const advice* find(const advice (&table)[N], std::string_view reason) {
  auto i = std::find_if(
    table, table + N, [&](const advice& row) { return row.reason == reason; });
  return i == table + N ? nullptr : i;
}

/// "<problem> (<reason>): <message> <remedy>".
std::string explain(std::string_view problem, std::string_view reason,
                    std::string_view message, std::string_view remedy) {
  std::string result{problem};
  if (!reason.empty())
    result += " (" + std::string(reason) + ')';
  auto detail = sentence(message);
  result += detail.empty() ? "." : ": " + detail;
  if (!remedy.empty())
    result += ' ' + std::string(remedy);
  return result;
}

std::string explain(const advice& row, std::string_view message) {
  return explain(row.problem, row.reason, message, row.remedy);
}

/// Why an init container keeps the script from starting.
std::string init_cause(const pod_snapshot& pod) {
  for (auto& init : pod.init_containers) {
    if (init.state == kind::terminated && init.exit_code != 0) {
      auto row = find(ended_advice, init.reason);
      return explain("The init container '" + init.name
                       + "' failed with exit code "
                       + std::to_string(init.exit_code),
                     init.reason, init.message,
                     row ? row->remedy
                         : "Look at the log of the init container and at the "
                           "volumes that it mounts.");
    }
    if (init.state != kind::waiting)
      continue;
    if (auto row = find(waiting_advice, init.reason))
      return "Init container '" + init.name
             + "': " + explain(*row, init.message);
  }
  return {};
}

std::string pod_cause(const pod_snapshot& pod) {
  if (pod.reason.empty())
    return {};
  if (auto row = find(pod_advice, pod.reason))
    return explain(*row, pod.message);
  if (pod.phase == "Failed")
    return explain("The pod failed", pod.reason, pod.message,
                   "Look at the events of the pod.");
  return {};
}

/// Why a pod whose script has not started yet waits.
std::string waiting_cause(const pod_snapshot& pod,
                          const container_status* script) {
  if (auto cause = pod_cause(pod); !cause.empty())
    return cause;
  if (auto cause = init_cause(pod); !cause.empty())
    return cause;
  if (script && script->state == kind::waiting)
    if (auto row = find(waiting_advice, script->reason))
      return explain(*row, script->message);
  if (!pod.unschedulable_reason.empty())
    return explain("No node can run the pod", pod.unschedulable_reason,
                   pod.unschedulable_message,
                   "Free capacity or add nodes, or change the resource "
                   "requests, affinity, tolerations or volume of script pods.");
  return {};
}

std::string ended_cause(const pod_snapshot& pod,
                        const container_status& script) {
  auto row = find(ended_advice, script.reason);
  // The pod's own reason tells more than a container that was only found gone.
  if (!row || script.reason == "ContainerStatusUnknown")
    if (auto cause = pod_cause(pod); !cause.empty())
      return cause;
  return row ? explain(*row, script.message) : std::string{};
}

} // namespace

pod_verdict judge(const pod_snapshot& pod) {
  pod_verdict result;
  auto& all = pod.containers;
  auto i = std::find_if(all.begin(), all.end(), [&](const auto& container) {
    return container.name == pod.name;
  });
  auto script = i == all.end() ? nullptr : &*i;
  if (!script || script->state == kind::waiting
      || script->state == kind::unknown) {
    result.cause = waiting_cause(pod, script);
    return result;
  }
  if (script->state == kind::running) {
    result.phase = pod_phase::running;
    result.cause = pod_cause(pod);
    return result;
  }
  result.container_ended = true;
  result.exit_code = script->exit_code;
  result.finished_at
    = script->finished_at.value_or(std::chrono::system_clock::now());
  result.phase
    = script->exit_code == 0 ? pod_phase::succeeded : pod_phase::failed;
  if (result.phase == pod_phase::failed)
    result.cause = ended_cause(pod, *script);
  return result;
}

} // namespace cuttle::kubernetes
