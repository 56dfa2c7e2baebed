#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "messages/failure.hpp"
#include "messages/pod.hpp"

namespace cuttle::kubernetes {

/// Where a trouble of a script pod shows.
enum class trouble : std::uint8_t {
  /// The API server refuses the pod; `reason` is a part of its message.
  refusal,
  /// No node takes the pod; `reason` is a part of the scheduler's message.
  scheduling,
  /// Reason for which a container waits.
  waiting,
  /// Reason with which a container ended.
  ended,
  /// Reason of the pod as a whole.
  pod,
  /// Reason of an event about the pod.
  event,
};

/// What becomes of the script.
enum class consequence : std::uint8_t {
  /// StartScript is answered with an error; nothing was started.
  refused,
  /// The script ends at once.
  ends,
  /// The script ends unless the trouble is over within `advice_patience`.
  ends_soon,
  /// The script waits until the pending limit; the trouble may pass.
  waits,
  /// The script has ended with the container's exit code.
  ended,
};

/// How long a trouble that ends a script `ends_soon` may last.
inline constexpr std::chrono::seconds advice_patience{60};

/// One trouble with what a person should know and do. The task log and
/// docs/troubleshooting.md say the same, for both are made of this.
struct advice {
  trouble where;
  std::string_view reason;
  std::string_view problem;
  std::string_view remedy;
  consequence then;
};

/// All that is known.
std::span<const advice> all_advice();

/// The row of a reason as Kubernetes spells it; null if there is none.
const advice* find_advice(trouble where, std::string_view reason);

/// The first row whose `reason` is a part of the message, in any case.
const advice* find_advice_in(trouble where, std::string_view message);

/// The API server's refusal of a pod, with the remedy if one is known.
failure explain_refusal(failure reason);

/// What to do about an event, for the task log; nothing if the event tells
/// enough itself.
std::optional<std::string> event_advice(const pod_event& event);

/// The rows as Markdown, for docs/troubleshooting.md.
std::string advice_tables();

} // namespace cuttle::kubernetes
