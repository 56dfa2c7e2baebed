#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "messages/script.hpp"

namespace cuttle {

/// State of one container as the API reports it.
struct container_status {
  enum class kind : std::uint8_t { unknown, waiting, running, terminated };
  std::string name;
  kind state = kind::unknown;
  /// Waiting or terminated: the reason (`ImagePullBackOff`, `OOMKilled`).
  std::string reason;
  std::string message;
  /// Terminated only.
  std::int32_t exit_code = 0;
  std::optional<timestamp> started_at;
  std::optional<timestamp> finished_at;
};

/// The facts of one script pod that this program uses, as the API server gave
/// them last. What they mean is decided by `kubernetes::judge`.
struct pod_snapshot {
  std::string name;
  std::string uid;
  std::string resource_version;
  /// Label `octopus.com/scriptTicketId`, raw spelling.
  script_ticket ticket;
  /// Label `octopus.com/serverTaskId`.
  std::string task_id;
  std::optional<timestamp> created_at;
  bool deleting = false;
  /// `status.phase`, `status.reason` and `status.message`.
  std::string phase;
  std::string reason;
  std::string message;
  std::string node;
  /// Image of the script container, after admission.
  std::string image;
  /// Reason and message of a false `PodScheduled` condition.
  std::string unschedulable_reason;
  std::string unschedulable_message;
  std::vector<container_status> init_containers;
  std::vector<container_status> containers;
};

/// An event of the cluster about one pod.
struct pod_event {
  std::string uid;
  std::string pod_name;
  std::string type;
  std::string reason;
  std::string message;
  std::string field_path;
  std::int32_t count = 1;
  timestamp occurred;
};

/// Where a script pod is in its life [MON-10].
enum class pod_phase : std::uint8_t { pending, running, succeeded, failed };

/// The verdict over a snapshot.
struct pod_verdict {
  pod_phase phase = pod_phase::pending;
  /// Valid once succeeded or failed.
  std::int32_t exit_code = 0;
  std::optional<timestamp> finished_at;
  /// Whether the script container itself has terminated, so that its log is
  /// whole.
  bool container_ended = false;
  /// Pending for a cause that seldom passes: the script has failed if it lasts.
  bool ends_soon = false;
  /// Why the pod waits or failed, with the remedy, for the task log; empty
  /// when there is nothing to say.
  std::string cause;
};

/// What an administrator wants in every script pod [TPL-01]. The members hold
/// JSON objects as text; an empty one is not given.
struct pod_template {
  /// Name of the object, for messages.
  std::string source;
  std::string labels;
  std::string annotations;
  std::string pod_spec;
  std::string script_container;
  std::string watchdog_container;
};

} // namespace cuttle
