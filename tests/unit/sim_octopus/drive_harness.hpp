#pragma once

#include <optional>
#include <string>
#include <vector>

#include "infra/sim/script_drive.hpp"

namespace cuttle::sim {

/// A script drive with a clock that the test moves. What the drive wants is
/// written down as words: `call status 7`, `timer 420`, `report 2`, `abandon`,
/// `finish`.
class drive_harness {
public:
  using milliseconds = std::chrono::milliseconds;

  explicit drive_harness(drive_settings settings = {})
    : drive({"Ticket"}, settings) {}

  script_drive drive;
  std::chrono::steady_clock::time_point now{};
  std::vector<std::string> steps;

  /// What happened since the last call of this.
  std::vector<std::string> take() {
    return std::exchange(steps, {});
  }

  /// Begins; up to StartScript if the capabilities need no asking.
  void begin(bool capabilities_known = true) {
    note(drive.begin(now));
    if (capabilities_known) {
      take();
      capabilities({"IFileTransferService", "IKubernetesScriptServiceV1"});
    }
  }

  /// The worker's answer to the last call.
  void answer(process_state state, std::int64_t next_sequence = 0,
              std::vector<std::string> texts = {}, std::int32_t exit_code = 0) {
    script_status status;
    status.ticket = {"Ticket"};
    for (auto& text : texts)
      status.lines.push_back({output_source::out, {}, text});
    status.next_sequence = next_sequence;
    status.state = state;
    status.exit_code = exit_code;
    note(drive.on_status(call, status, now));
  }

  void capabilities(std::vector<std::string> list) {
    note(drive.on_capabilities(call, list, now));
  }

  void completed() {
    note(drive.on_completed(call, now));
  }

  void fails(errc code = errc::unavailable) {
    note(drive.on_failure(call, {code, "It failed."}, now));
  }

  void cancel() {
    note(drive.cancel(now));
  }

  /// Lets the time of the last timer pass.
  void wake() {
    now += delay;
    note(drive.on_timer(timer, now));
  }

  /// Starts, with the first answer Pending and nothing to tell.
  void start() {
    begin();
    answer(process_state::pending);
    take();
  }

  std::uint64_t call = 0;
  std::uint64_t timer = 0;
  milliseconds delay{0};

private:
  static const char* name(rpc_kind kind) {
    switch (kind) {
    case rpc_kind::capabilities:
      return "capabilities";
    case rpc_kind::start:
      return "start";
    case rpc_kind::status:
      return "status";
    case rpc_kind::cancel:
      return "cancel";
    case rpc_kind::complete:
      break;
    }
    return "complete";
  }

  void note(const drive_steps& what) {
    for (auto& step : what)
      std::visit([this](auto& x) { note_one(x); }, step);
  }

  void write(std::string word, const std::string& figure) {
    steps.push_back(word.append(figure));
  }

  void note_one(const drive_action::call& x) {
    call = x.id;
    std::string text{"call "};
    text.append(name(x.kind));
    if (x.kind == rpc_kind::status || x.kind == rpc_kind::cancel)
      text.append(" ").append(std::to_string(x.last_sequence));
    steps.push_back(text);
  }
  void note_one(const drive_action::abandon&) {
    steps.push_back("abandon");
  }
  void note_one(const drive_action::timer& x) {
    timer = x.id;
    delay = x.delay;
    write("timer ", std::to_string(x.delay.count()));
  }
  void note_one(const drive_action::report& x) {
    write("report ", std::to_string(x.lines.size()));
  }
  void note_one(const drive_action::finish&) {
    steps.push_back("finish");
  }
};

} // namespace cuttle::sim
