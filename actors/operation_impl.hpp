#pragma once

#include <algorithm>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <set>
#include <utility>
#include <vector>

#include "actors/engine_hint.hpp"
#include "actors/failure.hpp"
#include "actors/log_stream.hpp"
#include "actors/operation.hpp"
#include "actors/output_buffer.hpp"
#include "actors/pod_census.hpp"
#include "actors/pod_lifecycle.hpp"
#include "actors/task_log.hpp"
#include "actors/upgrade_hint.hpp"
#include "infra/kubernetes/advice.hpp"
#include "infra/kubernetes/manifest.hpp"

namespace cuttle {

/// One deployment operation: the script's state, its lines, its end.
/// Shared by the files of this actor only.
class operation {
public:
  static inline const char* name = "cuttle.operation";

  operation(operation_actor::pointer self, context_ptr context,
            task_intake_actor intake, operation_plan plan);

  ~operation();

  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;

  operation_actor::behavior_type make_behavior();

private:
  using status_promise = caf::typed_response_promise<script_status>;

  // -- start ----------------------------------------------------------------

  caf::result<script_status> start();

  // No numbered line, sequence 0 [RPC-03].
  script_status started();

  // The server has waited long enough: it is told so once the request can
  // not be lost any more.
  void answer_start_when_kept(std::string line);

  void on_created(const pod_created& x);

  // There will be no pod. What the volume has of it goes first.
  void end_start(const failure& reason);

  void on_held(const creation_held& x);

  void held_too_long();

  // -- status ---------------------------------------------------------------

  script_status status(std::int64_t cursor);

  // The server has all lines up to its cursor, and wants those after it.
  void follow_cursor(std::int64_t cursor);

  // Lines that the server has had are wanted again (a repeated StartScript):
  // read the log anew.
  void rewind(std::int64_t cursor);

  void say_phase();

  // -- the end --------------------------------------------------------------

  // The exit code, once state and lines are final.
  std::optional<std::int32_t> result_code() const;

  // The result is fixed by the worker; what comes from the pod is ignored.
  void force(std::int32_t code);

  // A result that nobody completes is not kept for ever [ORP-04].
  void expire_result();

  caf::result<script_status> cancel(std::int64_t cursor);

  // Whether the container ended by the deletion that a cancellation asked for,
  // before the deletion itself was confirmed.
  bool killed_by_us() const;
  void answer_cancellations();

  caf::result<void> complete();

  void answer_completions();

  void end_by_completion();

  void leave();

  void on_orphan(const collect_orphan& x);

  void on_pending_too_long(const expire_pending& x);

  // -- news -----------------------------------------------------------------

  void on_progress(const pod_progress& x);

  void say_cause();

  // A pod that is stuck for a cause that seldom passes has failed.
  void watch_stuck_pod();

  // Docker and its like do not work in a script's pod, and not every upgrade by
  // the server: say so once, before the line in which it shows.
  void hint(const std::vector<numbered_line>& lines);

  void open_log_if_due();

  // The script's container runs, whatever the watch has seen so far.
  void on_runner_linked();

  void on_event(const pod_event& event);

  void on_lines(log_batch& x);

  void on_log_end(const log_end& x);

  // -- help -----------------------------------------------------------------

  void say(output_source source, std::string text);

  void step(std::string_view what);

  operation_actor::pointer self_;
  context_ptr context_;
  task_intake_actor intake_;
  script_ticket ticket_;
  std::string pod_name_;
  pod_lifecycle_actor lifecycle_;
  log_stream_actor log_;
  output_buffer buffer_;
  // The server has the lines up to this number.
  std::int64_t confirmed_ = 0;
  pod_verdict verdict_;
  pod_census census_;
  // Why the API server does not take the pod; empty: it was not asked, or has.
  std::string held_cause_;
  bool held_ = false;
  bool keeping_ = false;
  bool gone_ = false;
  bool cursor_known_ = false;
  bool linked_ = false;
  bool log_opened_ = false;
  bool log_ended_ = false;
  std::optional<std::int32_t> marker_;
  std::optional<std::int32_t> forced_;
  // A cancellation asked to delete the pod.
  bool kill_asked_ = false;
  std::optional<std::int32_t> reported_;
  bool frozen_ = false;
  std::optional<pod_phase> said_phase_;
  timestamp said_at_;
  std::set<std::string> seen_events_;
  std::set<std::string> pulling_;
  // Readings of the log that were asked for and have not begun.
  unsigned rewinding_ = 0;
  bool expiring_ = false;
  status_promise start_promise_;
  // Cancellations that wait for the cluster, with their cursors.
  std::vector<std::pair<status_promise, std::int64_t>> cancelling_;
  std::vector<caf::typed_response_promise<void>> completing_;
  // A step that builds an image says so in its script.
  bool builds_image_ = false;
  bool hinted_ = false;
  // The cause for which the pod is given up soon; empty: none.
  std::string stuck_since_;
  std::set<std::string> advised_;
  caf::disposable start_timer_;
  caf::disposable held_timer_;
  caf::disposable cancel_timer_;
  caf::disposable complete_timer_;
  caf::disposable result_timer_;
  caf::disposable stuck_timer_;
};

} // namespace cuttle
