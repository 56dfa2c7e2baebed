#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "infra/sim/rpc_retry.hpp"
#include "infra/sim/script_result.hpp"
#include "messages/script.hpp"

namespace cuttle::sim {

/// Delays and patience of the server's side.
struct drive_settings {
  /// `delay(n) = min(ceiling, first · base^n)` (`tentacle-services` 13.2).
  std::chrono::milliseconds poll_first{300};
  double poll_base = 1.4;
  std::chrono::milliseconds poll_ceiling{5'000};
  std::chrono::milliseconds retry_duration{150'000};
  /// A cancelled script's CompleteScript is abandoned after this time.
  std::chrono::milliseconds complete_patience{60'000};
  /// Bytes of text kept in the result.
  std::size_t keep_bytes = 256 * 1024 * 1024;
};

/// The pause before status call `n + 1`, for n from 1.
std::chrono::milliseconds poll_delay(const drive_settings& settings,
                                     unsigned n);

/// The calls of one script.
enum class rpc_kind : std::uint8_t {
  capabilities,
  start,
  status,
  cancel,
  complete
};

/// What the drive wants done, in the order given.
namespace drive_action {

/// Send a request, and report its outcome under this id.
struct call {
  std::uint64_t id = 0;
  rpc_kind kind = rpc_kind::capabilities;
  /// As the worker spelt it in its last answer.
  script_ticket ticket;
  std::int64_t last_sequence = 0;
};

/// Nobody waits for this call any more. If it is one of `start`, the drive must
/// hear `on_failure` all the same: `errc::cancelled` when the request never
/// left, anything else when it may have.
struct abandon {
  std::uint64_t id = 0;
};

/// Call `on_timer` with this id after the delay; replaces an older timer.
struct timer {
  std::uint64_t id = 0;
  std::chrono::milliseconds delay{0};
};

/// Lines and state for the observer.
struct report {
  std::vector<output_line> lines;
  process_state state = process_state::pending;
};

/// The result is final. Calls may still be under way (a last CancelScript).
struct finish {};

} // namespace drive_action

using drive_step
  = std::variant<drive_action::call, drive_action::abandon, drive_action::timer,
                 drive_action::report, drive_action::finish>;
using drive_steps = std::vector<drive_step>;

/// How the real client library drives one script (`tentacle-services` 13.1, 14,
/// 15), as a pure state machine: results, timers and the user's cancel go in,
/// steps come out. Knows no socket and no clock; what is late (an id that is
/// not the current one) is ignored.
class script_drive {
public:
  using clock = std::chrono::steady_clock;

  script_drive(script_ticket ticket, drive_settings settings);

  drive_steps begin(clock::time_point now);

  drive_steps on_capabilities(std::uint64_t call,
                              const std::vector<std::string>& list,
                              clock::time_point now);
  /// The answer to StartScript, GetStatus or CancelScript.
  drive_steps on_status(std::uint64_t call, script_status status,
                        clock::time_point now);
  drive_steps on_completed(std::uint64_t call, clock::time_point now);
  drive_steps on_failure(std::uint64_t call, const failure& reason,
                         clock::time_point now);
  drive_steps on_timer(std::uint64_t timer, clock::time_point now);

  /// The user cancels.
  drive_steps cancel(clock::time_point now);

  /// Ends everything at once for a reason of the server's own.
  drive_steps abort(failure reason, clock::time_point now);

  const script_result& result() const {
    return result_;
  }

  /// Whether nothing more comes out of it.
  bool over() const {
    return phase_ == phase::over;
  }

private:
  enum class phase : std::uint8_t {
    fresh,
    capabilities,
    starting,
    /// Cancelled while StartScript was under way; its fate is asked for.
    withdrawing,
    observing,
    cancelling,
    completing,
    /// Finished, but for a last CancelScript.
    parting,
    over,
  };

  /// What the running timer is for.
  enum class waiting : std::uint8_t { nothing, next_poll, retry, time_limit };

  void first_attempt(drive_steps& out, rpc_kind kind, clock::time_point now);
  void send(drive_steps& out, rpc_kind kind);
  void wait(drive_steps& out, waiting what, std::chrono::milliseconds delay);
  void stop_waiting();
  void enter_cancelling(drive_steps& out, clock::time_point now);
  void enter_completing(drive_steps& out, clock::time_point now);
  void give_up(drive_steps& out, failure reason, clock::time_point now);
  void finish(drive_steps& out, phase next, clock::time_point now);
  void keep(const script_status& status, clock::time_point now);
  void end_cancelled(drive_steps& out, clock::time_point now);

  drive_settings settings_;
  script_result result_;
  script_ticket ticket_;
  std::int64_t sequence_ = 0;
  phase phase_ = phase::fresh;
  rpc_retry retry_;
  rpc_kind kind_ = rpc_kind::capabilities;
  /// When the present attempt was sent.
  clock::time_point sent_;
  std::uint64_t next_id_ = 1;
  /// The call that is under way, or 0.
  std::uint64_t call_ = 0;
  /// The timer that runs, or 0.
  std::uint64_t timer_ = 0;
  waiting waiting_ = waiting::nothing;
  /// Pauses between status calls, counted again from 1 once cancelled.
  unsigned polls_ = 0;
  unsigned cancel_polls_ = 0;
  /// Whether an attempt of StartScript may have reached the worker.
  bool maybe_started_ = false;
  bool cancelled_ = false;
  std::size_t kept_bytes_ = 0;
};

} // namespace cuttle::sim
