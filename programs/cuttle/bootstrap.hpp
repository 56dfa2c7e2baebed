#pragma once

#include <variant>
#include <vector>

#include "infra/kubernetes/cluster.hpp"
#include "infra/settings/settings.hpp"
#include "programs/cuttle/stop_signal.hpp"

namespace cuttle {

/// The start was interrupted by a signal.
struct interrupted {};

/// What `load_stored_settings` gives.
using bootstrap_result
  = std::variant<settings::stored_settings, std::vector<settings::problem>,
                 interrupted>;

/// Reads config map and secret, and completes them where they are new: machine
/// keys [CFG-11] and certificate [CFG-15]. Waits for an API server that can not
/// be reached, with a log line for each attempt; gives up on what waiting does
/// not cure. Blocks the calling thread.
bootstrap_result load_stored_settings(kubernetes::cluster& cluster,
                                      const settings::environment_settings& env,
                                      stop_signal& stop);

} // namespace cuttle
