#include "infra/kubernetes/advice.hpp"

#include <algorithm>
#include <cctype>

namespace cuttle::kubernetes {

namespace {

constexpr advice table[] = {
  // What the API server says to a creation. The most special texts first.
  {trouble::refusal, "exceeded quota", "The namespace's quota is used up",
   "Wait until other scripts have ended, raise the resource quota, or lower "
   "the resource requests of script pods.",
   consequence::waits},
  {trouble::refusal, "must specify limits",
   "The namespace's quota asks for limits that script pods do not have",
   "Give script pods requests and limits, or the namespace a limit range.",
   consequence::refused},
  {trouble::refusal, "error looking up service account",
   "The service account of the script does not exist",
   "Create it, or correct the service account of the step or of the worker.",
   consequence::refused},
  {trouble::refusal, "violates PodSecurity",
   "The namespace's pod security level forbids the pod",
   "Set a security context for script pods that fits the level, or change the "
   "level of the namespace.",
   consequence::refused},
  {trouble::refusal, "denied the request",
   "An admission webhook of the cluster refuses the pod",
   "Change what the webhook's message names, or ask those who run the "
   "cluster.",
   consequence::refused},
  {trouble::refusal, "failed calling webhook",
   "An admission webhook of the cluster does not answer",
   "Check the webhook that the message names; run the step again.",
   consequence::refused},
  {trouble::refusal, "is being terminated", "The namespace is being deleted",
   "Install the worker in another namespace.", consequence::refused},
  {trouble::refusal, "cannot create resource \"pods\"",
   "The worker may not create pods",
   "Give the worker's service account the rules of the chart again.",
   consequence::refused},
  {trouble::refusal, "is invalid", "The API server does not accept the pod",
   "Correct what the message names: a setting of the worker or the pod "
   "template.",
   consequence::refused},

  // What the scheduler says.
  {trouble::scheduling, "persistentvolumeclaim",
   "The volume claim of script pods cannot be used",
   "Check that the claim exists in the worker's namespace and is bound.",
   consequence::waits},
  {trouble::scheduling, "volume node affinity conflict",
   "No node that can reach the volume can run the pod",
   "Free capacity on the volume's nodes, or use a volume that all nodes can "
   "mount (ReadWriteMany).",
   consequence::waits},
  {trouble::scheduling, "", "No node can run the pod",
   "Free capacity or add nodes, or change the resource requests, affinity, "
   "tolerations or volume of script pods.",
   consequence::waits},

  // For which a container waits.
  {trouble::waiting, "ImagePullBackOff", "The image cannot be pulled",
   "Check the image's name and tag, the feed's credentials and whether the "
   "node reaches the registry.",
   consequence::waits},
  {trouble::waiting, "ErrImagePull", "The image cannot be pulled",
   "Check the image's name and tag, the feed's credentials and whether the "
   "node reaches the registry.",
   consequence::waits},
  {trouble::waiting, "RegistryUnavailable",
   "The image registry does not answer",
   "Check whether the node reaches the registry.", consequence::waits},
  {trouble::waiting, "ImageInspectError", "The pulled image cannot be read",
   "Pull the image again under another tag or repair the node's image store.",
   consequence::waits},
  {trouble::waiting, "InvalidImageName", "The image's name is not valid",
   "Correct the image of the step or of the worker.", consequence::ends},
  {trouble::waiting, "ErrImageNeverPull",
   "The image is not on the node and must not be pulled",
   "Use the pull policy IfNotPresent or Always, or load the image on the "
   "node.",
   consequence::ends_soon},
  {trouble::waiting, "CreateContainerConfigError",
   "The container cannot be configured",
   "Check that the config maps and secrets that the pod names exist and have "
   "the expected keys.",
   consequence::ends_soon},
  {trouble::waiting, "CreateContainerError", "The container cannot be created",
   "Check the command, the mounts and the node's container runtime.",
   consequence::waits},
  {trouble::waiting, "RunContainerError", "The container cannot be started",
   "Check that the image has 'sh' and fits the node's architecture.",
   consequence::waits},
  {trouble::waiting, "StartError", "The container cannot be started",
   "Check that the image has 'sh' and fits the node's architecture.",
   consequence::waits},
  {trouble::waiting, "CrashLoopBackOff", "The container ends again and again",
   "Look at its log.", consequence::waits},

  // With which a container ended that the exit code does not tell.
  {trouble::ended, "OOMKilled",
   "The container ran out of memory and was killed",
   "Raise the memory limit of script pods or use less memory.",
   consequence::ended},
  {trouble::ended, "StartError", "The container could not be started",
   "Check that the image has 'sh' and fits the node's architecture.",
   consequence::ended},
  {trouble::ended, "ContainerCannotRun", "The container could not be started",
   "Check that the image has 'sh' and fits the node's architecture.",
   consequence::ended},
  {trouble::ended, "ContainerStatusUnknown",
   "The node lost the container, its end is not known",
   "Check whether the node was restarted or the pod was evicted.",
   consequence::ended},
  {trouble::ended, "DeadlineExceeded",
   "The pod ran longer than its active deadline",
   "Raise the deadline that a policy of the cluster sets.", consequence::ended},

  // Of the pod as a whole.
  {trouble::pod, "Evicted", "The node evicted the pod",
   "Give script pods resource requests that match their use, or free the "
   "node's memory and disk.",
   consequence::ends},
  {trouble::pod, "NodeLost", "The node of the pod was lost",
   "Check the node; run the step again.", consequence::ends},
  {trouble::pod, "Shutdown", "The node of the pod was shut down",
   "Run the step again.", consequence::ends},
  {trouble::pod, "NodeShutdown", "The node of the pod was shut down",
   "Run the step again.", consequence::ends},
  {trouble::pod, "Terminated", "The node of the pod was shut down",
   "Run the step again.", consequence::ends},
  {trouble::pod, "Preempting",
   "A pod of higher priority took the place of the pod",
   "Give script pods a higher priority or the cluster more capacity.",
   consequence::ends},
  {trouble::pod, "Preempted",
   "A pod of higher priority took the place of the pod",
   "Give script pods a higher priority or the cluster more capacity.",
   consequence::ends},
  {trouble::pod, "DeadlineExceeded",
   "The pod ran longer than its active deadline",
   "Raise the deadline that a policy of the cluster sets.", consequence::ends},
  {trouble::pod, "NodeAffinity",
   "The node does not match the pod's affinity any more",
   "Check the node's labels; run the step again.", consequence::ends},
  {trouble::pod, "UnexpectedAdmissionError", "The node refused the pod",
   "Check the node's devices and its kubelet; run the step again.",
   consequence::ends},

  // Of events whose message alone does not tell what to do.
  {trouble::event, "FailedMount", "A volume of the pod cannot be mounted",
   "Check that the volume, config map or secret that the event names exists "
   "and that the node can reach the storage.",
   consequence::waits},
  {trouble::event, "FailedAttachVolume",
   "The pod's volume cannot be attached to its node",
   "Check whether another node still holds the volume; a volume for one node "
   "(ReadWriteOnce) serves script pods on that node only.",
   consequence::waits},
  {trouble::event, "FailedCreatePodSandBox",
   "The node cannot make the pod's network or sandbox",
   "Check the cluster's network plugin on the node that the event names.",
   consequence::waits},
  {trouble::event, "NfsWatchdogTimeout",
   "The NFS volume did not answer and the watchdog deletes the pod",
   "Check the NFS pod of the release; run the step again.", consequence::ends},
};

bool same_letter(char x, char y) {
  return std::tolower(static_cast<unsigned char>(x))
         == std::tolower(static_cast<unsigned char>(y));
}

std::string_view told(consequence then) {
  switch (then) {
  case consequence::refused:
    return "The step fails at once; nothing was started.";
  case consequence::ends:
    return "The script ends at once.";
  case consequence::ends_soon:
    return "The script ends when this lasts for a minute.";
  case consequence::waits:
    return "The script waits until the pending limit.";
  case consequence::ended:
    return "The script has ended with the container's exit code.";
  }
  return {};
}

void add_table(std::string& out, trouble where, std::string_view title,
               std::string_view column) {
  out += "## " + std::string{title} + "\n\n| " + std::string{column}
         + " | The task log says | Then | What to do |\n|---|---|---|---|\n";
  for (auto& row : table) {
    if (row.where != where)
      continue;
    auto reason = row.reason.empty() ? std::string{"anything else"}
                                     : '`' + std::string{row.reason} + '`';
    out += "| " + reason + " | " + std::string{row.problem} + " | "
           + std::string{told(row.then)} + " | " + std::string{row.remedy}
           + " |\n";
  }
  out += '\n';
}

} // namespace

std::span<const advice> all_advice() {
  return table;
}

const advice* find_advice(trouble where, std::string_view reason) {
  auto i
    = std::find_if(std::begin(table), std::end(table), [&](const advice& row) {
        return row.where == where && row.reason == reason;
      });
  return i == std::end(table) ? nullptr : i;
}

const advice* find_advice_in(trouble where, std::string_view message) {
  for (auto& row : table) {
    if (row.where != where)
      continue;
    auto i = std::search(message.begin(), message.end(), row.reason.begin(),
                         row.reason.end(), same_letter);
    if (i != message.end() || row.reason.empty())
      return &row;
  }
  return nullptr;
}

failure explain_refusal(failure reason) {
  auto refused = reason.code == errc::forbidden
                 || reason.code == errc::invalid_request
                 || reason.code == errc::unavailable;
  if (auto row
      = refused ? find_advice_in(trouble::refusal, reason.text) : nullptr)
    reason.text
      += ' ' + std::string{row->problem} + ". " + std::string{row->remedy};
  return reason;
}

std::optional<std::string> event_advice(const pod_event& event) {
  auto row = find_advice(trouble::event, event.reason);
  if (!row)
    return std::nullopt;
  return std::string{row->problem} + ". " + std::string{row->remedy};
}

std::string advice_tables() {
  std::string result;
  add_table(result, trouble::refusal, "The pod is refused",
            "The API server's message has");
  add_table(result, trouble::scheduling, "No node takes the pod",
            "The scheduler's message has");
  add_table(result, trouble::waiting, "A container does not start",
            "Reason of the container");
  add_table(result, trouble::ended, "The container was ended",
            "Reason of the container");
  add_table(result, trouble::pod, "The pod was ended", "Reason of the pod");
  add_table(result, trouble::event, "An event of the pod",
            "Reason of the event");
  result.pop_back();
  return result;
}

} // namespace cuttle::kubernetes
