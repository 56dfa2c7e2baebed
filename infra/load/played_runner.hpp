#pragma once

#include "infra/load/played_link.hpp"
#include "infra/sim/pod_play.hpp"

namespace cuttle::load {

/// Plays the runner of a script pod with a script of the load: reads plan and
/// key from the workspace as the runner does, and prints the same encrypted
/// frames, end marker included: to the pod's log, and over the link that `dial`
/// makes, if it makes one. A failure for a workspace that is not as it
/// should be, or a script that names no plan.
outcome<std::unique_ptr<sim::pod_play>>
play_runner(const sim::process_spec& container, const link_dialer& dial = {});

} // namespace cuttle::load
