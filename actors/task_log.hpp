#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "messages/pod.hpp"

namespace cuttle {

/// Debug line that names the pod's phase [RPC-08].
std::string phase_line(const std::string& pod, pod_phase phase);

/// The StdErr lines for a pod that is not there [RPC-09].
std::vector<std::string> pod_not_found_lines(const std::string& pod);

/// The StdErr line for a pod that was pending too long, with the cause if one
/// is known [PND-01].
std::string pending_line(const std::string& pod, std::chrono::minutes limit,
                         const std::string& cause);

/// Debug line for a script that waits for a creation slot; `place` counts from
/// 1.
std::string waiting_text(std::size_t place, std::size_t waiting,
                         std::size_t creations);

/// A line for a script beyond the limit of operations; `place` counts from 1.
std::string queued_text(std::size_t place, std::size_t waiting,
                        std::size_t running, std::size_t limit);

/// Debug line for a script whose pod the API server refused for want of room.
std::string busy_text(std::size_t place, std::size_t waiting, unsigned window);

/// Debug line for a script that waits with others for room in a quota.
std::string quota_place_text(std::size_t place, std::size_t waiting);

/// What becomes of a script whose pod the API server does not take now.
std::string held_prospect(std::optional<std::chrono::minutes> limit);

/// The StdErr line for a pod that the API server did not take for too long.
std::string held_line(const std::string& pod, std::chrono::minutes limit,
                      const std::string& cause);

/// What the server hears of a script that was ended before it began.
std::vector<output_line> unbegun_lines(timestamp now);

/// `3 minutes`, `12 s`.
std::string duration_text(std::chrono::seconds time);

/// A wait for the task log, between the markers that the server understands.
std::vector<std::pair<output_source, std::string>>
waiting_lines(const std::string& text);

/// What becomes of a script whose pod is pending for a cause: given up within a
/// minute if it `ends_soon`, else after `limit`, if there is one [PND-01].
std::string prospect_text(bool ends_soon,
                          std::optional<std::chrono::minutes> limit);

/// A cause for the task log: an error for a pod that failed, else a warning
/// between the markers that the server understands [LOG-18].
std::vector<std::pair<output_source, std::string>>
cause_lines(const std::string& cause, bool failed);

} // namespace cuttle
