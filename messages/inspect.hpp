#pragma once

// How messages print in logs and test failures. Messages never leave the
// process, so nothing else depends on these functions: secrets and bulk are
// left out on purpose.

#include "messages/failure.hpp"
#include "messages/file.hpp"
#include "messages/operation.hpp"
#include "messages/pod.hpp"
#include "messages/podlog.hpp"
#include "messages/queue.hpp"
#include "messages/results.hpp"
#include "messages/script.hpp"

namespace cuttle {

template <class Inspector>
bool inspect(Inspector& f, script_ticket& x) {
  return f.object(x).fields(f.field("task_id", x.task_id));
}

template <class Inspector>
bool inspect(Inspector& f, start_script& x) {
  return f.object(x).fields(f.field("ticket", x.ticket),
                            f.field("task_id", x.task_id));
}

template <class Inspector>
bool inspect(Inspector& f, get_status& x) {
  return f.object(x).fields(f.field("ticket", x.ticket),
                            f.field("last_sequence", x.last_sequence));
}

template <class Inspector>
bool inspect(Inspector& f, cancel_script& x) {
  return f.object(x).fields(f.field("ticket", x.ticket),
                            f.field("last_sequence", x.last_sequence));
}

template <class Inspector>
bool inspect(Inspector& f, complete_script& x) {
  return f.object(x).fields(f.field("ticket", x.ticket));
}

template <class Inspector>
bool inspect(Inspector& f, script_status& x) {
  return f.object(x).fields(f.field("ticket", x.ticket),
                            f.field("next_sequence", x.next_sequence),
                            f.field("exit_code", x.exit_code));
}

template <class Inspector>
bool inspect(Inspector& f, upload_file& x) {
  return f.object(x).fields(f.field("remote_path", x.remote_path));
}

template <class Inspector>
bool inspect(Inspector& f, uploaded_file& x) {
  return f.object(x).fields(f.field("full_path", x.full_path),
                            f.field("length", x.length));
}

template <class Inspector>
bool inspect(Inspector& f, download_file& x) {
  return f.object(x).fields(f.field("remote_path", x.remote_path));
}

template <class Inspector>
bool inspect(Inspector& f, downloaded_file& x) {
  auto found = x.contents != nullptr;
  return f.object(x).fields(f.field("found", found));
}

template <class Inspector>
bool inspect(Inspector& f, pod_snapshot& x) {
  return f.object(x).fields(f.field("name", x.name), f.field("uid", x.uid),
                            f.field("phase", x.phase));
}

template <class Inspector>
bool inspect(Inspector& f, pods_listed& x) {
  auto pods = x.pods.size();
  return f.object(x).fields(f.field("pods", pods));
}

template <class Inspector>
bool inspect(Inspector& f, pod_changed& x) {
  return f.object(x).fields(f.field("pod", x.pod));
}

template <class Inspector>
bool inspect(Inspector& f, pod_deleted& x) {
  return f.object(x).fields(f.field("pod", x.pod));
}

template <class Inspector>
bool inspect(Inspector& f, pod_missing& x) {
  return f.object(x).fields();
}

template <class Inspector>
bool inspect(Inspector& f, pod_event_seen& x) {
  return f.object(x).fields(f.field("pod", x.event.pod_name),
                            f.field("reason", x.event.reason),
                            f.field("message", x.event.message));
}

template <class Inspector>
bool inspect(Inspector& f, version_known& x) {
  return f.object(x).fields(f.field("major", x.major),
                            f.field("minor", x.minor));
}

template <class Inspector>
bool inspect(Inspector& f, pod_progress& x) {
  return f.object(x).fields(f.field("exit_code", x.verdict.exit_code),
                            f.field("cause", x.verdict.cause),
                            f.field("gone", x.gone));
}

template <class Inspector>
bool inspect(Inspector& f, remark& x) {
  return f.object(x).fields(f.field("text", x.line.text));
}

template <class Inspector>
bool inspect(Inspector& f, begin_creation& x) {
  return f.object(x).fields();
}

template <class Inspector>
bool inspect(Inspector& f, creation_done& x) {
  return f.object(x).fields(f.field("ticket", x.ticket));
}

template <class Inspector>
bool inspect(Inspector& f, creation_held& x) {
  return f.object(x).fields(f.field("ticket", x.ticket),
                            f.field("reason", x.reason.text));
}

template <class Inspector>
bool inspect(Inspector& f, requests_listed& x) {
  auto entries = x.entries.size();
  return f.object(x).fields(f.field("entries", entries),
                            f.field("reason", x.reason.text));
}

template <class Inspector>
bool inspect(Inspector& f, request_kept& x) {
  return f.object(x).fields(f.field("ticket", x.ticket),
                            f.field("reason", x.reason.text));
}

template <class Inspector>
bool inspect(Inspector& f, request_loaded& x) {
  return f.object(x).fields(f.field("ticket", x.ticket),
                            f.field("reason", x.reason.text));
}

template <class Inspector>
bool inspect(Inspector& f, request_dropped& x) {
  return f.object(x).fields(f.field("ticket", x.ticket),
                            f.field("reason", x.reason.text));
}

template <class Inspector>
bool inspect(Inspector& f, operation_completed& x) {
  return f.object(x).fields(f.field("ticket", x.ticket),
                            f.field("exit_code", x.exit_code));
}

template <class Inspector>
bool inspect(Inspector& f, collect_orphan& x) {
  return f.object(x).fields(f.field("ticket", x.ticket));
}

template <class Inspector>
bool inspect(Inspector& f, expire_pending& x) {
  return f.object(x).fields(f.field("ticket", x.ticket));
}

template <class Inspector>
bool inspect(Inspector& f, intake_summary& x) {
  auto operations = x.operations.size();
  return f.object(x).fields(f.field("operations", operations),
                            f.field("queued", x.queued));
}

template <class Inspector>
bool inspect(Inspector& f, open_log& x) {
  return f.object(x).fields(f.field("pod", x.pod),
                            f.field("delivered", x.delivered));
}

template <class Inspector>
bool inspect(Inspector& f, log_credit& x) {
  return f.object(x).fields(f.field("bytes", x.bytes),
                            f.field("confirmed", x.confirmed));
}

template <class Inspector>
bool inspect(Inspector& f, log_data& x) {
  auto size = x.bytes.size();
  return f.object(x).fields(f.field("stream", x.stream), f.field("size", size));
}

template <class Inspector>
bool inspect(Inspector& f, log_closed& x) {
  return f.object(x).fields(f.field("stream", x.stream),
                            f.field("reason", x.reason.text));
}

template <class Inspector>
bool inspect(Inspector& f, link_opened& x) {
  return f.object(x).fields(f.field("session", x.session),
                            f.field("first", x.first));
}

template <class Inspector>
bool inspect(Inspector& f, link_data& x) {
  auto size = x.bytes.size();
  return f.object(x).fields(f.field("session", x.session),
                            f.field("size", size));
}

template <class Inspector>
bool inspect(Inspector& f, link_closed& x) {
  return f.object(x).fields(f.field("session", x.session),
                            f.field("reason", x.reason.text));
}

template <class Inspector>
bool inspect(Inspector& f, kept_lines& x) {
  auto size = x.bytes.size();
  return f.object(x).fields(f.field("stream", x.stream), f.field("size", size),
                            f.field("reason", x.reason.text));
}

template <class Inspector>
bool inspect(Inspector& f, log_batch& x) {
  auto lines = x.lines.size();
  return f.object(x).fields(f.field("lines", lines));
}

template <class Inspector>
bool inspect(Inspector& f, log_end& x) {
  return f.object(x).fields(f.field("whole", x.whole), f.field("text", x.text));
}

template <class Inspector>
bool inspect(Inspector& f, workspace_prepared& x) {
  return f.object(x).fields(f.field("reason", x.reason.text));
}

template <class Inspector>
bool inspect(Inspector& f, pod_template& x) {
  return f.object(x).fields(f.field("source", x.source));
}

template <class Inspector>
bool inspect(Inspector& f, template_read& x) {
  return f.object(x).fields(f.field("found", x.found));
}

template <class Inspector>
bool inspect(Inspector& f, events_recorded& x) {
  return f.object(x).fields(f.field("reason", x.reason.text));
}

template <class Inspector>
bool inspect(Inspector& f, feed_secret_stored& x) {
  return f.object(x).fields(f.field("reason", x.reason.text));
}

template <class Inspector>
bool inspect(Inspector& f, pod_created& x) {
  return f.object(x).fields(f.field("reason", x.reason.text),
                            f.field("pod", x.pod));
}

template <class Inspector>
bool inspect(Inspector& f, pod_looked_up& x) {
  return f.object(x).fields(f.field("reason", x.reason.text),
                            f.field("pod", x.pod));
}

template <class Inspector>
bool inspect(Inspector& f, pod_removed& x) {
  return f.object(x).fields(f.field("reason", x.reason.text));
}

template <class Inspector>
bool inspect(Inspector& f, transfer_failed& x) {
  return f.object(x).fields(f.field("request", x.request),
                            f.field("reason", x.reason.text));
}

template <class Inspector>
bool inspect(Inspector& f, workspace_removed& x) {
  return f.object(x).fields(f.field("reason", x.reason.text));
}

template <class Inspector>
bool inspect(Inspector& f, workspaces_listed& x) {
  auto entries = x.entries.size();
  return f.object(x).fields(f.field("entries", entries),
                            f.field("reason", x.reason.text));
}

template <class Inspector>
bool inspect(Inspector& f, component_report& x) {
  return f.object(x).fields(f.field("component", x.component),
                            f.field("ok", x.ok), f.field("text", x.text));
}

template <class Inspector>
bool inspect(Inspector& f, probe_report& x) {
  return f.object(x).fields(f.field("ok", x.ok), f.field("text", x.text));
}

template <class Inspector>
bool inspect(Inspector& f, link_changed& x) {
  return f.object(x).fields(f.field("connection", x.connection),
                            f.field("connected", x.connected),
                            f.field("reason", x.reason.text));
}

} // namespace cuttle
