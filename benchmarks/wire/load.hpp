#pragma once

#include <chrono>
#include <functional>

#include "benchmarks/wire/stage.hpp"

namespace cuttle::bench {

/// What a load measured.
struct figures {
  double calls_a_second = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  /// Processor time of the worker, for each call.
  double worker_us = 0;
  /// The same of this process, which is server and cluster.
  double here_us = 0;
  double worker_resident_mib = 0;
};

/// A closed loop: `at_once` calls are under way at any time, each followed by
/// the next one as soon as it ends. Runs for `warm` unmeasured, then for
/// `measure`. Aborts when a call fails or `good` does not like its result.
figures
run_calls(stage& where, const std::function<halibut::outgoing_request()>& make,
          const std::function<bool(const halibut::received_response&)>& good,
          unsigned at_once, std::chrono::milliseconds warm,
          std::chrono::milliseconds measure);

/// Processor time of this process so far, in seconds.
double own_cpu_seconds();

} // namespace cuttle::bench
