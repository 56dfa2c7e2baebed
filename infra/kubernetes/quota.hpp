#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cuttle::kubernetes {

/// What the API server says when a resource quota has no room for a pod.
struct quota_refusal {
  std::string name;
  /// As `pods=1,requests.cpu=25m`.
  std::string requested;
  std::string used;
  std::string limited;
  /// One pod asks for more than the quota has in all: waiting is useless.
  bool never_fits = false;
};

/// Reads it out of the API server's message; nothing if that is about something
/// else.
std::optional<quota_refusal> read_quota_refusal(std::string_view message);

/// Whether the API server has not counted a new quota yet: the same pod may be
/// taken a moment later.
bool is_quota_uncounted(std::string_view message);

/// A quantity as a number: `500m`, `1.5`, `2Gi`, `1e3`; nothing for other text.
std::optional<double> read_quantity(std::string_view text);

/// For the task log: the quota with its figures, and what to do.
std::string quota_text(const quota_refusal& x);

} // namespace cuttle::kubernetes
