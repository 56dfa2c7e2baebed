#include "benchmarks/wire/load.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <sys/resource.h>
#include <thread>
#include <vector>

namespace cuttle::bench {

namespace {

using clock = std::chrono::steady_clock;

double seconds_of(const timeval& x) {
  return static_cast<double>(x.tv_sec) + static_cast<double>(x.tv_usec) / 1e6;
}

/// Calls that follow one another. Its callbacks come on the links' thread.
class loop {
public:
  loop(stage& where, const std::function<halibut::outgoing_request()>& make,
       const std::function<bool(const halibut::received_response&)>& good)
    : where_(where), make_(make), good_(good) {}

  void begin() {
    running_.change([](auto& x) { ++x; });
    auto start = clock::now();
    where_.server().transport().call(
      where_.subscription(), make_(),
      [this, start](halibut::call_result result) { end(start, result); });
  }

  /// Lets the calls come to their end.
  void finish() {
    stopping_ = true;
    if (!running_.wait([](auto x) { return x == 0; })) {
      std::fprintf(stderr, "calls did not end\n");
      std::exit(1);
    }
  }

  /// What was measured since the last time, in ms.
  std::vector<double> take() {
    std::lock_guard lock{mutex_};
    return std::exchange(times_, {});
  }

private:
  void end(clock::time_point start, const halibut::call_result& result) {
    if (!result || result->error || !good_(*result)) {
      std::fprintf(stderr, "a call failed: %s\n",
                   !result         ? result.error().text.c_str()
                   : result->error ? result->error->message.c_str()
                                   : "its result is not as it should be");
      std::exit(1);
    }
    std::chrono::duration<double, std::milli> took = clock::now() - start;
    {
      std::lock_guard lock{mutex_};
      times_.push_back(took.count());
    }
    if (!stopping_)
      begin();
    running_.change([](auto& x) { --x; });
  }

  stage& where_;
  const std::function<halibut::outgoing_request()>& make_;
  const std::function<bool(const halibut::received_response&)>& good_;
  std::atomic<bool> stopping_ = false;
  sim::watched<int> running_;
  std::mutex mutex_;
  std::vector<double> times_;
};

} // namespace

double own_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

figures
run_calls(stage& where, const std::function<halibut::outgoing_request()>& make,
          const std::function<bool(const halibut::received_response&)>& good,
          unsigned at_once, std::chrono::milliseconds warm,
          std::chrono::milliseconds measure) {
  loop calls{where, make, good};
  for (unsigned i = 0; i < at_once; ++i)
    calls.begin();
  std::this_thread::sleep_for(warm);
  calls.take();
  auto start = clock::now();
  auto here = own_cpu_seconds();
  auto there = where.worker_cost();
  std::this_thread::sleep_for(measure);
  auto times = calls.take();
  std::chrono::duration<double> took = clock::now() - start;
  auto cost = where.worker_cost();
  auto here_after = own_cpu_seconds();
  calls.finish();
  figures result;
  if (times.empty())
    return result;
  std::sort(times.begin(), times.end());
  auto count = static_cast<double>(times.size());
  result.calls_a_second = count / took.count();
  result.p50_ms = times[times.size() / 2];
  result.p99_ms = times[times.size() * 99 / 100];
  result.worker_us = (cost.cpu_seconds - there.cpu_seconds) / count * 1e6;
  result.here_us = (here_after - here) / count * 1e6;
  result.worker_resident_mib = cost.resident_mib;
  return result;
}

} // namespace cuttle::bench
