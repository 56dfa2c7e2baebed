// What a call costs in figures that no other work on the machine changes:
// allocations, and instructions when valgrind's callgrind watches. Google
// Benchmark runs each benchmark once more for it, with a fixed number of calls.
// tools/bench-counts compares both with benchmarks/counts.json.

#include <benchmark/benchmark.h>

#include "benchmarks/micro/allocations.hpp"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_DUMP_STATS
#endif

namespace cuttle::bench {

namespace {

class counting final : public benchmark::MemoryManager {
public:
  counting() {
    benchmark::RegisterMemoryManager(this);
  }

  void Start() override {
    before_ = allocations_of_this_thread();
    CALLGRIND_ZERO_STATS;
  }

  void Stop(Result& result) override {
    CALLGRIND_DUMP_STATS;
    result.num_allocs
      = static_cast<std::int64_t>(allocations_of_this_thread() - before_);
  }

  void Stop(Result* result) override {
    Stop(*result);
  }

private:
  std::uint64_t before_ = 0;
};

counting instance;

} // namespace

} // namespace cuttle::bench
