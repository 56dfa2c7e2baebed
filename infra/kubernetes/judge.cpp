#include <algorithm>

#include "infra/kubernetes/advice.hpp"
#include "infra/kubernetes/manifest.hpp"
#include "infra/kubernetes/text.hpp"

namespace cuttle::kubernetes {

namespace {

using kind = container_status::kind;

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

/// A trouble of a pod whose script has not started.
struct finding {
  std::string cause;
  consequence then = consequence::waits;
};

/// Why an init container keeps the script from starting. One that failed is not
/// started again, since the pod is never restarted [RAW-05].
finding init_trouble(const pod_snapshot& pod) {
  for (auto& init : pod.init_containers) {
    if (init.state == kind::terminated && init.exit_code != 0) {
      auto row = find_advice(trouble::ended, init.reason);
      return {explain("The init container '" + init.name
                        + "' failed with exit code "
                        + std::to_string(init.exit_code),
                      init.reason, init.message,
                      row ? row->remedy
                          : "Look at the log of the init container and at the "
                            "volumes that it mounts."),
              consequence::ends};
    }
    if (init.state != kind::waiting)
      continue;
    if (auto row = find_advice(trouble::waiting, init.reason))
      return {"Init container '" + init.name
                + "': " + explain(*row, init.message),
              row->then};
  }
  return {};
}

std::string pod_cause(const pod_snapshot& pod) {
  if (pod.reason.empty())
    return {};
  if (auto row = find_advice(trouble::pod, pod.reason))
    return explain(*row, pod.message);
  if (pod.phase == "Failed")
    return explain("The pod failed", pod.reason, pod.message,
                   "Look at the events of the pod.");
  return {};
}

/// Why a pod whose script has not started yet waits, or never will start.
finding waiting_trouble(const pod_snapshot& pod,
                        const container_status* script) {
  auto result = init_trouble(pod);
  if (auto cause = pod_cause(pod); !cause.empty())
    result = {std::move(cause), consequence::waits};
  // The phase `Failed` is final: whatever the containers say, none will run.
  if (pod.phase == "Failed") {
    result.then = consequence::ends;
    if (result.cause.empty())
      result.cause
        = explain("The pod failed before its script started", pod.reason,
                  pod.message, "Look at the events of the pod.");
  }
  if (!result.cause.empty())
    return result;
  if (script && script->state == kind::waiting)
    if (auto row = find_advice(trouble::waiting, script->reason))
      return {explain(*row, script->message), row->then};
  if (!pod.unschedulable_reason.empty())
    if (auto row
        = find_advice_in(trouble::scheduling, pod.unschedulable_message))
      return {explain(row->problem, pod.unschedulable_reason,
                      pod.unschedulable_message, row->remedy),
              row->then};
  return {};
}

std::string ended_cause(const pod_snapshot& pod,
                        const container_status& script) {
  auto row = find_advice(trouble::ended, script.reason);
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
    auto found = waiting_trouble(pod, script);
    result.cause = std::move(found.cause);
    // Its exit code is the one that such a script would get at the pending
    // limit [MON-13].
    if (found.then == consequence::ends) {
      result.phase = pod_phase::failed;
      result.exit_code = exit_timeout;
      result.finished_at = std::chrono::system_clock::now();
    }
    result.ends_soon = found.then == consequence::ends_soon;
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
