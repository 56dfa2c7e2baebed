#pragma once

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <optional>

#include "actors/log_flow.hpp"
#include "actors/log_stream.hpp"
#include "infra/podlog/reader.hpp"
#include "infra/runner_link/server.hpp"

namespace cuttle {

/// Reads one operation's output. Where from, in this order: the runner's link;
/// once the container has ended, the lines that the runner left in the
/// workspace; the pod's log. All three have the same numbered frames, so one
/// reader puts them in order whatever they repeat.
/// Shared by the files of this actor only.
class log_stream {
public:
  static inline const char* name = "cuttle.log_stream";

  log_stream(log_stream_actor::pointer self, context_ptr context,
             operation_actor operation, script_ticket ticket, bool adopted);

  ~log_stream();

  log_stream(const log_stream&) = delete;
  log_stream& operator=(const log_stream&) = delete;

  log_stream_actor::behavior_type make_behavior();

private:
  enum class source : std::uint8_t { none, link, kept, pod_log };

  void open(const open_log& x);

  void on_container_ended();

  // From now on the end of the log is awaited.
  void arm_deadline();

  // The rest did not come in time.
  void give_up();

  // -- from the runner's link -------------------------------------------------

  // The runner may dial from now on; ends what it has open.
  void expect_runner();

  void on_link_opened(const link_opened& x);

  // Reads from the link, if it is there and holds the next line.
  bool attach();

  void on_link_data(const link_data& x);

  void on_link_closed(const link_closed& x);

  // The link has not what it should have: read without it.
  void refuse_link();

  // -- from the workspace -----------------------------------------------------

  void read_kept();

  void read_kept_part();

  void on_kept(const kept_lines& x);

  // -- from the pod's log -----------------------------------------------------

  void follow(std::optional<timestamp> since);

  void on_data(const log_data& x);

  void on_closed(const log_closed& x);

  void schedule_reopen();

  // -- common -----------------------------------------------------------------

  // Reads on from the best that is there but the link.
  void read_on();

  // Reads on in a moment, unless the link comes first.
  void await_link();

  // Numbers are missing: the source skipped something. What the kubelet still
  // has comes from the start.
  void reread();

  // Whether lines that the pod's log lacks may still come from the runner, over
  // its link or, once it has ended, from the workspace.
  bool runner_may_have_them() const;

  // The pod's log lacks lines: waits for the runner before they are given up.
  void await_missing();

  // Reads the whole log, and accepts what it lacks as lost.
  void accept_missing();

  void stop_following();

  // Gives bytes to the reader; false if it wants to read again.
  bool feed(const std::string& bytes);

  // -- the operation --------------------------------------------------------

  // Whether the source may bring more; it is told so.
  bool has_room() {
    return room_ = share_.room();
  }

  // Looks again whether the source may bring more.
  void offer_room();

  std::shared_ptr<log_flow> make_flow() const;

  void show_memory();

  void flush();

  void on_credit(const log_credit& x);

  // No more data will come.
  void end(log_end how);

  void step(std::string_view what);

  log_stream_actor::pointer self_;
  context_ptr context_;
  operation_actor operation_;
  script_ticket ticket_;
  // What the operation has of us and the server has not.
  log_budget::share share_;
  // What the source knows.
  bool room_ = true;
  std::string pod_;
  std::optional<podlog::reader> reader_;
  source source_ = source::none;

  // The runner's link: null when links are switched off.
  std::shared_ptr<log_flow> link_flow_;
  runner_link::session_id session_ = 0;
  std::int64_t first_ = 1;
  // Lines are asked for, and come.
  bool resumed_ = false;
  // There was a link already, of this worker or maybe of an earlier one.
  bool again_;
  std::int64_t confirmed_ = 0;

  // Counts `resumed_`, and readings of pods' logs.
  void set_resumed(bool to);
  telemetry::gauge& links_;
  telemetry::counter& pod_logs_;
  telemetry::gauge& memory_;

  // What the runner left in the workspace.
  bool kept_read_ = false;
  std::uint64_t kept_offset_ = 0;
  bool kept_waits_ = false;

  // The pod's log is read from its start because lines were missing.
  bool rereading_ = false;
  // The runner was waited for because of missing lines, and did not dial.
  bool runner_silent_ = false;

  std::shared_ptr<log_flow> flow_;
  // Number of the present stream or reading; what belongs to another is late.
  std::uint64_t stream_ = 0;
  bool progress_ = false;
  std::size_t failures_ = 0;

  bool container_ended_ = false;
  bool ended_ = false;
  failure reason_;
  caf::disposable reopen_;
  caf::disposable deadline_;
};

} // namespace cuttle
