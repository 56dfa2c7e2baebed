#pragma once

#include <functional>

#include "infra/kubernetes/cluster.hpp"
#include "infra/kubernetes/manifest.hpp"

namespace cuttle::kubernetes {

/// Brings the pull secret of the step's feed up to date: creates it, or, when
/// it exists, merges the credentials into it, so that a rotated password takes
/// effect and other feeds of the same host stay [SEC-04], [SEC-05]. `done` is
/// called once, on the driver's thread. The command must have a feed, see
/// `feed_secret_name`. The secret goes with `settings.owner`, where the cluster
/// lets the worker say so.
void store_feed_secret(cluster& api, const script_pod_settings& settings,
                       const start_script& command,
                       std::function<void(outcome<void>)> done);

} // namespace cuttle::kubernetes
