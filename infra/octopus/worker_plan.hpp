#pragma once

#include <optional>
#include <string>
#include <vector>

#include "infra/octopus/resources.hpp"

namespace cuttle::octopus {

/// What to do about a worker that has our name and is not ours yet.
enum class existing_worker : std::uint8_t {
  /// Take the record over if it is a Kubernetes worker: endpoint only, pools
  /// and policy stay as they are [REG-13].
  take_over,
  /// Leave it alone: `name_taken`.
  refuse,
  /// Take over whatever it is, with name, policy and pools.
  force,
  /// The record must exist; pools and policy are its own.
  adopt,
};

/// What the record has to say.
struct worker_wish {
  std::string name;
  std::string space_id;
  std::string thumbprint;
  /// `poll://…/`
  std::string subscription;
  /// Ids. Empty only when an existing record is adopted.
  std::vector<std::string> pool_ids;
  std::string policy_id;
};

/// Which parts of the wish differ from what was registered last time; only
/// these are changed in a record that is ours.
struct changed_parts {
  bool name = false;
  bool pools = false;
  bool policy = false;
};

/// What to do with the server's records.
struct worker_plan {
  enum class action : std::uint8_t { nothing, create, update };
  action what = action::nothing;
  /// The body to send.
  std::string body;
  /// Link of the record to update.
  std::string self;
  /// What an update changes, for a log line: `endpoint, pools`.
  std::string changes;
  /// Set when the record belonged to another installation.
  std::string taken_from;
};

/// Decides about the record found, which is null when there is none. A record
/// with our thumbprint is ours. `UpgradeLocked` is set in every case: the
/// server's own upgrades would install another chart
/// (`install-and-register` 8.4).
answer<worker_plan> plan_worker(const worker_document* found,
                                const worker_wish& wish,
                                const changed_parts& changed,
                                existing_worker mode);

} // namespace cuttle::octopus
