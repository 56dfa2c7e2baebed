#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "messages/failure.hpp"
#include "messages/pod.hpp"
#include "messages/script.hpp"

namespace cuttle {

/// All script pods of the namespace, after a list.
struct pods_listed {
  std::vector<pod_snapshot> pods;
};

/// A pod is new or changed.
struct pod_changed {
  pod_snapshot pod;
};

/// A pod is gone; its last known state.
struct pod_deleted {
  pod_snapshot pod;
};

/// A list did not show the pod of a running operation.
struct pod_missing {};

/// An event about a pod.
struct pod_event_seen {
  pod_event event;
};

/// The cluster's version, for the choice of an image [IMG-06].
struct version_known {
  int major = 0;
  int minor = 0;
};

/// What `pod_lifecycle` found out about its pod.
struct pod_progress {
  pod_verdict verdict;
  /// The pod does not exist any more.
  bool gone = false;
  std::string node;
  std::string image;
};

/// A line of the worker's own for the task log. It has no number: it is
/// delivered at most once [LOG-19].
struct remark {
  output_line line;
};

/// The first creation step of an operation may begin: a slot is free.
struct begin_creation {};

/// The operation does not use its creation slot any more.
struct creation_done {
  script_ticket ticket;
  /// Whether there is a pod now.
  bool created = false;
};

/// An operation ended in good order; what its ticket is remembered for.
struct operation_completed {
  script_ticket ticket;
  std::int32_t exit_code = 0;
};

/// A finished pod that the server did not complete: remove it, keep the result
/// [ORP-01], [ORP-04].
struct collect_orphan {
  script_ticket ticket;
};

/// The pod was pending for too long [PND-01].
struct expire_pending {
  script_ticket ticket;
  std::chrono::minutes limit{0};
};

/// One operation as others need to see it.
struct operation_summary {
  script_ticket ticket;
  std::string task_id;
  pod_phase phase = pod_phase::pending;
  std::optional<timestamp> created_at;
  std::optional<timestamp> finished_at;
};

/// What the intake holds.
struct intake_summary {
  std::vector<operation_summary> operations;
  /// Operations that wait for a creation slot.
  std::size_t queued = 0;
  /// Scripts beyond the limit of operations, which wait on the volume. They
  /// are among the operations above.
  std::size_t waiting = 0;
  bool loaded = false;
  bool draining = false;
};

/// The log of a pod can be read from now on. Lines up to `delivered` are known
/// to the server.
struct open_log {
  std::string pod;
  std::int64_t delivered = 0;
};

/// What the server has taken: room in the operation's buffer for that many more
/// bytes, and the number of the last line that it has confirmed.
struct log_credit {
  std::size_t bytes = 0;
  std::int64_t confirmed = 0;
};

/// Bytes from a follow stream, and its end.
struct log_data {
  /// Which stream; a late one is ignored.
  std::uint64_t stream = 0;
  std::string bytes;
};
struct log_closed {
  std::uint64_t stream = 0;
  failure reason;
};

/// The runner of the operation has dialled the worker, and holds the lines from
/// number `first` on.
struct link_opened {
  std::uint64_t session = 0;
  std::int64_t first = 1;
};
/// Bytes from the runner's link, and its end.
struct link_data {
  /// Which connection; a late one is ignored.
  std::uint64_t session = 0;
  std::string bytes;
};
struct link_closed {
  std::uint64_t session = 0;
  failure reason;
};

/// A part of the lines that a runner has left in its workspace.
struct kept_lines {
  /// Which reading; a late one is ignored.
  std::uint64_t stream = 0;
  std::string bytes;
  /// Nothing comes after it.
  bool last = false;
  failure reason;
};

/// State of a part of the worker, for the probes.
struct component_report {
  /// `cluster`, or `server:<host>:<port>`.
  std::string component;
  bool ok = false;
  std::string text;
};

/// Answer to a probe.
struct probe_report {
  bool ok = false;
  std::string text;
};

/// A polling link to the server changed its state.
struct link_changed {
  unsigned connection = 0;
  bool connected = false;
  failure reason;
  std::chrono::milliseconds retry_in{0};
  /// Not about one link: servers may dial in from now on.
  bool listening = false;
};

/// A workspace on the volume [WS-09].
struct workspace_entry {
  script_ticket ticket;
  timestamp written;
};

/// What is in the `Work` folder.
struct workspaces_listed {
  failure reason;
  std::vector<workspace_entry> entries;
};

} // namespace cuttle
