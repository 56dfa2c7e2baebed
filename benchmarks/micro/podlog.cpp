// A line of a script on its way from the runner to the worker.

#include <benchmark/benchmark.h>

#include "infra/podlog/frame.hpp"

namespace cuttle {

namespace {

crypto::log_key sample_key() {
  crypto::log_key result;
  result.value.fill(7);
  return result;
}

void seal_line(benchmark::State& state) {
  podlog::frame_sealer sealer{sample_key().value};
  std::string text(static_cast<std::size_t>(state.range(0)), 'x');
  std::string out;
  std::int64_t number = 0;
  for (auto _ : state) {
    out.clear();
    sealer.append(out, ++number, output_source::out, text);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void parse_line(benchmark::State& state) {
  std::string frame;
  podlog::append_frame(
    frame, sample_key(), 1, output_source::out,
    std::string(static_cast<std::size_t>(state.range(0)), 'x'));
  frame.pop_back();
  auto line = "2026-01-01T00:00:00.000000000Z " + frame;
  podlog::line_parser parser{sample_key()};
  for (auto _ : state)
    benchmark::DoNotOptimize(parser.parse(line));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

BENCHMARK(seal_line)->Arg(80)->Arg(8'000);
BENCHMARK(parse_line)->Arg(80)->Arg(8'000);

} // namespace

} // namespace cuttle
