#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "infra/load/arrivals.hpp"
#include "infra/load/script_plan.hpp"
#include "messages/failure.hpp"

namespace cuttle::load {

/// How often the server asks for the status of a script.
enum class poll_cadence : std::uint8_t {
  /// As the real client: 0.42 s, 0.59 s, … 5 s [RPC-15].
  real,
  /// Each 50 ms, so that the worker's own times can be seen.
  fast,
};

/// One load: what comes, how fast, and what the worker is given to do it.
struct load_profile {
  std::string name = "trivial";
  std::string about;
  /// Ends after so many operations, or when `duration` is over, whichever comes
  /// first; 0 is "no limit", but not for both.
  std::uint64_t operations = 100;
  std::chrono::seconds duration{0};
  /// Operations a second; 0: all at once.
  double rate = 10;
  arrival_kind arrival = arrival_kind::poisson;
  unsigned burst = 1;
  std::uint64_t seed = 1;
  /// Operations that may run at a time. What is due beyond waits, and its
  /// latencies count from when it was due.
  std::size_t concurrency = 1'000;
  script_plan script;
  /// Files that come with each script, and their size.
  unsigned files = 0;
  std::size_t file_bytes = 0;
  /// The user cancels each script when its first line has come.
  bool cancel = false;
  poll_cadence cadence = poll_cadence::real;
  /// Octopus Servers, and polling connections of the worker to each.
  unsigned servers = 1;
  unsigned connections = 5;
  /// Projects that the operations belong to, one after the other.
  unsigned projects = 1;
  /// Whether runners dial the worker; if not, their output comes through the
  /// API server. On the embedded cluster only.
  bool links = true;
  /// The embedded cluster's delays before a container runs.
  std::chrono::milliseconds schedule_delay{10};
  std::chrono::milliseconds pull_delay{10};
  /// Before the load: the worker rests so long, and its calls are counted.
  std::chrono::seconds idle{1};
  /// Events of pods that are gone, which are there from the start (embedded
  /// cluster only).
  unsigned old_events = 0;
  /// From when to when the API server answers nothing and its watches say
  /// nothing, since the start (embedded cluster only).
  std::chrono::seconds frozen_from{0};
  std::chrono::seconds frozen_until{0};
  /// Afterwards a client without a worker creates the same pods (embedded
  /// cluster only).
  bool bare = false;
  /// How long after the last start the load waits for ends.
  std::chrono::seconds patience{120};
  /// More environment variables of the worker, for tuning.
  std::map<std::string, std::string> worker;
};

/// Names for `--script` and the member "kind": `trivial`, `sleep`, `chatty`,
/// `big-log`, `files`, `cancel`.
const std::vector<std::string>& script_kinds();

/// Sets script, files and cancel as the kind has them; false for another name.
bool set_script_kind(load_profile& profile, std::string_view kind);

/// The same load with `count` operations, all due at once and with room for all
/// of them; the name says the count.
load_profile all_at_once(load_profile profile, std::uint64_t count);

/// Reads a profile from JSON. An unknown member or a wrong value is a failure
/// with one sentence that names it.
outcome<load_profile> read_profile(std::string_view json);

/// What is wrong with a profile as one sentence, or nothing.
std::optional<std::string> complaint_of(const load_profile& profile);

/// The profile as `read_profile` takes it.
nlohmann::json to_json(const load_profile& profile);

} // namespace cuttle::load
