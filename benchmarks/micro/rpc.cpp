// Calls through both sides of Halibut over TLS on loopback, on one links'
// thread that both share.

#include <benchmark/benchmark.h>
#include <condition_variable>
#include <mutex>

#include "benchmarks/micro/allocations.hpp"
#include "tests/unit/halibut/fixture.hpp"

namespace cuttle::halibut::test {

namespace {

// As many calls under way as there are connections.
void calls(benchmark::State& state) {
  auto connections = static_cast<unsigned>(state.range(0));
  world w;
  w.start_server();
  w.start_worker(connections);
  if (!w.wait_connected(connections)) {
    state.SkipWithError("the connections did not come up");
    return;
  }
  std::mutex mutex;
  std::condition_variable changed;
  unsigned under_way = 0;
  std::uint64_t failed = 0;
  for (auto _ : state) {
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return under_way < connections; });
    ++under_way;
    lock.unlock();
    w.server->call(subscription, make_request("hello"), [&](call_result x) {
      std::lock_guard inner{mutex};
      --under_way;
      failed += x ? 0u : 1u;
      changed.notify_one();
    });
  }
  std::unique_lock lock{mutex};
  changed.wait(lock, [&] { return under_way == 0; });
  if (failed > 0)
    state.SkipWithError("calls failed");
  state.SetItemsProcessed(state.iterations());
}

// A request with a data stream, which the worker receives into a spool file.
void streams(benchmark::State& state) {
  world w;
  w.handler = [](rpc_request request, reply_function reply) {
    rpc_response response;
    auto ok = request.streams.size() == 1 && request.streams[0].second;
    response.result = text_document("result", ok ? "ok" : "no");
    reply(std::move(response));
  };
  w.start_server();
  w.start_worker();
  if (!w.wait_connected(1)) {
    state.SkipWithError("the connection did not come up");
    return;
  }
  auto content = noise(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    outgoing_request request;
    request.service = "ITest";
    request.method = "Take";
    add_stream(request, memory_stream(content));
    auto answer = w.call(std::move(request));
    if (!answer || answer->error) {
      state.SkipWithError("the call failed");
      return;
    }
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

// What one call takes from the heap on the worker's links' thread: TLS,
// deflate, BSON, coroutines, and this handler.
void allocations(benchmark::State& state) {
  world w;
  io_thread thread;
  std::atomic<std::uint64_t> seen = 0;
  service_callbacks callbacks;
  callbacks.on_request = [&](rpc_request request, reply_function reply) {
    seen = bench::allocations_of_this_thread();
    rpc_response response;
    response.result = text_document("result", text_of(request.params));
    reply(std::move(response));
  };
  w.start_server();
  polling_service worker{thread,
                         *w.disk,
                         worker_identity(),
                         w.endpoint(),
                         w.service_options(),
                         std::move(callbacks)};
  worker.start();
  if (!w.wait_connected(1) || !w.call(make_request("hello"))) {
    state.SkipWithError("the connection did not come up");
    return;
  }
  auto before = seen.load();
  for (auto _ : state)
    benchmark::DoNotOptimize(w.call(make_request("hello")));
  state.counters["allocations"] = static_cast<double>(seen - before)
                                  / static_cast<double>(state.iterations());
}

BENCHMARK(allocations)->UseRealTime();
BENCHMARK(calls)->Arg(1)->Arg(5)->Arg(64)->UseRealTime();
BENCHMARK(streams)->Arg(64 * 1024)->Arg(16 * 1024 * 1024)->UseRealTime();

} // namespace

} // namespace cuttle::halibut::test
