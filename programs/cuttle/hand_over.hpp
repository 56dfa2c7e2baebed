#pragma once

#include <chrono>
#include <string>

#include "infra/kubernetes/api_client.hpp"

namespace cuttle {

/// Lets the next worker start. Kubernetes makes it once the pod of this one is
/// gone, and it takes the node until its next report, up to 10 s, to say that
/// it is. So the last act of a worker whose pod is being deleted is to
/// remove the pod's object itself, after all that it had to write is written
/// [RST-06]. A pod that is not being deleted (its container is only restarted),
/// and one of another `uid`, stays; so does any pod when `uid` is empty. What
/// keeps it from being removed is logged. Blocks for `patience` at most, twice.
void hand_over(const kubernetes::access& access, const std::string& pod,
               const std::string& uid, std::chrono::milliseconds patience);

} // namespace cuttle
