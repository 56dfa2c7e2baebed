#pragma once

// The typed interface of every actor. Reading this file is reading the system;
// docs/flow.md follows one operation through it.

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/default_enum_inspect.hpp>
#include <caf/fwd.hpp>
#include <caf/is_error_code_enum.hpp>
#include <caf/string_view.hpp>
#include <caf/type_id.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "messages/inspect.hpp"

namespace cuttle {

// An error enum of CAF needs these three.
std::string to_string(errc);
bool from_string(caf::string_view, errc&);
bool from_integer(std::uint8_t, errc&);

template <class Inspector>
bool inspect(Inspector& f, errc& x) {
  return caf::default_enum_inspect(f, x);
}

/// One call from the server with the function that answers it; defined in
/// `actors/rpc_call.hpp`.
struct rpc_call;
using rpc_call_ptr = std::shared_ptr<rpc_call>;

} // namespace cuttle

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cuttle::rpc_call_ptr)

CAF_BEGIN_TYPE_ID_BLOCK(cuttle, first_custom_type_id)
  CAF_ADD_TYPE_ID(cuttle, (cuttle::errc))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::rpc_call_ptr))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::link_changed))

  CAF_ADD_TYPE_ID(cuttle, (cuttle::start_script))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::get_status))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::cancel_script))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::complete_script))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::script_status))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::upload_file))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::uploaded_file))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::download_file))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::downloaded_file))

  CAF_ADD_TYPE_ID(cuttle, (cuttle::pods_listed))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::pod_changed))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::pod_deleted))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::pod_missing))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::pod_event_seen))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::version_known))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::pod_progress))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::remark))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::begin_creation))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::creation_done))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::creation_held))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::operation_completed))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::collect_orphan))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::expire_pending))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::intake_summary))

  CAF_ADD_TYPE_ID(cuttle, (cuttle::workspace_prepared))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::template_read))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::feed_secret_stored))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::pod_created))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::pod_looked_up))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::pod_removed))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::transfer_failed))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::workspace_removed))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::workspaces_listed))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::events_recorded))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::requests_listed))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::request_kept))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::request_loaded))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::request_dropped))

  CAF_ADD_TYPE_ID(cuttle, (cuttle::open_log))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::log_credit))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::log_data))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::log_closed))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::link_opened))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::link_data))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::link_closed))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::kept_lines))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::log_batch))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::log_end))

  CAF_ADD_TYPE_ID(cuttle, (cuttle::component_report))
  CAF_ADD_TYPE_ID(cuttle, (cuttle::probe_report))

  CAF_ADD_ATOM(cuttle, cuttle, start_atom)
  CAF_ADD_ATOM(cuttle, cuttle, cancel_atom)
  CAF_ADD_ATOM(cuttle, cuttle, complete_atom)
  CAF_ADD_ATOM(cuttle, cuttle, container_ended_atom)
  CAF_ADD_ATOM(cuttle, cuttle, drain_atom)
  CAF_ADD_ATOM(cuttle, cuttle, keep_atom)
  CAF_ADD_ATOM(cuttle, cuttle, live_atom)
  CAF_ADD_ATOM(cuttle, cuttle, ready_atom)
  CAF_ADD_ATOM(cuttle, cuttle, stopped_atom)
  CAF_ADD_ATOM(cuttle, cuttle, summary_atom)
CAF_END_TYPE_ID_BLOCK(cuttle)

CAF_ERROR_CODE_ENUM(cuttle::errc)

namespace cuttle {

/// Runs the polling links to one server node: decodes requests, asks the actor
/// that knows, encodes the answer.
using server_connection_actor = caf::typed_actor<
  // A request came in; it is answered through the call itself.
  caf::result<void>(rpc_call_ptr),
  // A link was identified or lost.
  caf::result<void>(link_changed),
  // Lets open exchanges finish, closes the links; answers when all are closed.
  caf::result<void>(drain_atom),
  // From the driver: all links are closed.
  caf::result<void>(stopped_atom)>;

/// Owns the operations: finds or makes the one for a ticket, admits within the
/// limits, answers for those that broke, remembers those that ended.
using task_intake_actor = caf::typed_actor<
  // Starts a script, or answers from sequence 0 for a ticket known [RPC-01].
  caf::result<script_status>(start_script),
  // Passes on to the operation; an unknown ticket is Complete, -81 [RPC-09].
  caf::result<script_status>(get_status),
  // The same; the operation ends its script [RPC-11].
  caf::result<script_status>(cancel_script),
  // Has everything of the ticket removed [RPC-13].
  caf::result<void>(complete_script),
  // Makes an operation for each pod without one, and tells those without pod.
  caf::result<void>(pods_listed),
  // Routes to the operation, or makes one.
  caf::result<void>(pod_changed),
  // Routes to the operation.
  caf::result<void>(pod_deleted),
  // Routes to the operation by the pod's name.
  caf::result<void>(pod_event_seen),
  // The cluster's version, for operations to come.
  caf::result<void>(version_known),
  // A creation slot is free again.
  caf::result<void>(creation_done),
  // The API server does not take this operation's pod now.
  caf::result<void>(creation_held),
  // From the volume: requests of an earlier process; then one of a script
  // beyond the limit was kept, read for its turn, or removed.
  caf::result<void>(requests_listed), caf::result<void>(request_kept),
  caf::result<void>(request_loaded), caf::result<void>(request_dropped),
  // An operation is about to end in good order.
  caf::result<void>(operation_completed),
  // Routes to the operation.
  caf::result<void>(collect_orphan),
  // Routes to the operation.
  caf::result<void>(expire_pending),
  // Tells what there is.
  caf::result<intake_summary>(summary_atom),
  // Refuses new operations from now on.
  caf::result<void>(drain_atom)>;

/// One deployment operation: the script's state, its lines, its end.
using operation_actor = caf::typed_actor<
  // Runs the script; answers when the pod is created, or after a while.
  caf::result<script_status>(start_atom),
  // A creation slot is free for this operation.
  caf::result<void>(begin_creation),
  // State and lines after the sequence, from memory.
  caf::result<script_status>(get_status),
  // Ends the script; answers when the cluster has taken the deletion.
  caf::result<script_status>(cancel_script),
  // Removes pod and workspace, then ends.
  caf::result<void>(complete_atom),
  // News about the pod from the watch.
  caf::result<void>(pod_changed), caf::result<void>(pod_deleted),
  caf::result<void>(pod_missing), caf::result<void>(pod_event_seen),
  // The pod is orphaned: remove it, keep the result.
  caf::result<void>(collect_orphan),
  // The pod was pending for too long.
  caf::result<void>(expire_pending),
  // From pod_lifecycle: what became of the pod.
  caf::result<void>(pod_progress),
  // From pod_lifecycle: the pod is there, or why not.
  caf::result<void>(pod_created),
  // From pod_lifecycle: the pod has to wait for another turn.
  caf::result<void>(creation_held),
  // From a child: a line for the task log.
  caf::result<void>(remark),
  // From log_stream: the runner has dialled, so the script's container runs.
  caf::result<void>(link_opened),
  // From log_stream: lines, and the end of the log.
  caf::result<void>(log_batch), caf::result<void>(log_end)>;

/// Takes one script from its command to a running pod, judges the pod's state,
/// and removes it in the end.
using pod_lifecycle_actor = caf::typed_actor<
  // Workspace, then template, pull secret, pod; again after `creation_held`.
  // The operation hears `pod_created`.
  caf::result<void>(start_atom),
  // Keeps the request on the volume; answers when it is safe, or there is a
  // pod.
  caf::result<void>(keep_atom),
  // Results of the volume.
  caf::result<void>(request_kept), caf::result<void>(request_dropped),
  // Results of the drivers on the way.
  caf::result<void>(workspace_prepared), caf::result<void>(template_read),
  caf::result<void>(feed_secret_stored), caf::result<void>(pod_created),
  caf::result<void>(pod_looked_up),
  // News from the watch.
  caf::result<void>(pod_changed), caf::result<void>(pod_deleted),
  caf::result<void>(pod_missing),
  // Kills the pod; answers when the API server has taken it [RPC-11].
  caf::result<void>(cancel_atom),
  // Removes pod and workspace; answers when both are gone [RPC-13].
  caf::result<void>(complete_atom),
  // Removes the pod only [ORP-03].
  caf::result<void>(collect_orphan),
  // Results of the drivers.
  caf::result<void>(pod_removed), caf::result<void>(workspace_removed)>;

/// Reads one operation's output, orders it, and hands it over within a window:
/// from the runner's own link if it comes, else from the pod's log.
using log_stream_actor = caf::typed_actor<
  // Reads from the line after `delivered`; again to read anew.
  caf::result<void>(open_log),
  // The operation has room for more, or the server has confirmed lines.
  caf::result<void>(log_credit),
  // The container ended: what is in the log now is all there will be.
  caf::result<void>(container_ended_atom),
  // From the follow stream.
  caf::result<void>(log_data), caf::result<void>(log_closed),
  // From the runner's link.
  caf::result<void>(link_opened), caf::result<void>(link_data),
  caf::result<void>(link_closed),
  // From the workspace.
  caf::result<void>(kept_lines)>;

/// Keeps one list+watch of the script pods and one of their events, and passes
/// both on to the intake.
using pod_watch_actor = caf::typed_actor<
  // From the driver.
  caf::result<void>(pods_listed), caf::result<void>(pod_changed),
  caf::result<void>(pod_deleted), caf::result<void>(pod_event_seen),
  caf::result<void>(version_known), caf::result<void>(component_report)>;

/// Counts what happened to the release's pods in a config map [EVT-01].
using event_recorder_actor = caf::typed_actor<
  // From the watch.
  caf::result<void>(pod_event_seen),
  // From the driver.
  caf::result<void>(events_recorded)>;

/// Uploads and downloads [RPC-16].
using file_transfer_actor = caf::typed_actor<
  // Stores a file.
  caf::result<uploaded_file>(upload_file),
  // Opens a file.
  caf::result<downloaded_file>(download_file),
  // From the driver: number of the request, and its result.
  caf::result<void>(std::uint64_t, uploaded_file),
  caf::result<void>(std::uint64_t, downloaded_file),
  caf::result<void>(transfer_failed)>;

/// Looks after what nobody asks for any more: orphans, pods that are pending
/// for too long, stale workspaces. Works on timers of its own.
using housekeeping_actor = caf::typed_actor<
  // From the driver.
  caf::result<void>(workspaces_listed), caf::result<void>(workspace_removed)>;

/// Answers the probes from what the other actors report.
using health_actor = caf::typed_actor<
  // A part of the worker changed its state.
  caf::result<void>(component_report),
  // Liveness: the scheduler and the intake answer.
  caf::result<probe_report>(live_atom),
  // Readiness: the cluster is loaded, a server is connected, no drain.
  caf::result<probe_report>(ready_atom),
  // Readiness goes off for good.
  caf::result<void>(drain_atom)>;

/// Hands over to the next release: readiness off, no new operations, links
/// closed after the current response. Pods stay for the successor.
using upgrade_actor = caf::typed_actor<
  // Answers when the worker may end.
  caf::result<void>(drain_atom)>;

/// The root. Ends on `drain_atom`, or when its children break too often.
using worker_actor = caf::typed_actor<
  // Drains, ends all actors, answers, and ends itself.
  caf::result<void>(drain_atom),
  // Probes, passed on to health.
  caf::result<probe_report>(live_atom), caf::result<probe_report>(ready_atom),
  // From health: the pods of the cluster are loaded, servers may connect.
  caf::result<void>(start_atom)>;

} // namespace cuttle
