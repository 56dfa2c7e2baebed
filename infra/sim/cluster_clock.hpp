#pragma once

#include <chrono>

#include "messages/script.hpp"

namespace cuttle::sim {

/// The time of the embedded clusters of this process: the machine's, and what
/// `skew_cluster_clock` has added. Thread-safe.
timestamp cluster_now();

/// Sets how far the clusters' clocks are ahead.
void skew_cluster_clock(std::chrono::seconds ahead);

} // namespace cuttle::sim
