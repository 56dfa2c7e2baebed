#include "infra/sim/cluster_clock.hpp"

#include <atomic>

namespace cuttle::sim {

namespace {

std::atomic<std::chrono::seconds::rep> seconds_ahead{0};

} // namespace

timestamp cluster_now() {
  return std::chrono::system_clock::now()
         + std::chrono::seconds{seconds_ahead.load()};
}

void skew_cluster_clock(std::chrono::seconds ahead) {
  seconds_ahead = ahead.count();
}

} // namespace cuttle::sim
