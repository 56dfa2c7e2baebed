// Requests and responses to and from BSON, and pod manifests: what is done once
// for each call of the server, or each script.

#include <benchmark/benchmark.h>

#include "infra/halibut/envelope.hpp"
#include "infra/kubernetes/manifest.hpp"
#include "infra/tentacle/client.hpp"
#include "infra/tentacle/services.hpp"

namespace cuttle {

namespace {

start_script sample_script() {
  start_script result;
  // The size of a bootstrap script that the server sends.
  constexpr std::size_t body_bytes = 20'000;
  result.script_body.assign(body_bytes, 'x');
  result.ticket.task_id = "jV2iPzVJ4kSXyVvrYsDQgQ";
  result.task_id = "ServerTasks-1042";
  result.isolation_mutex_name = "RunningScript";
  result.arguments = {"one", "two"};
  result.auth = auth_context{"default", "web", {}, "production", {}, "deploy"};
  return result;
}

halibut::bson_bytes request_document() {
  return halibut::encode_request(tentacle::make_request(sample_script()),
                                 {"id", {}, "poll://x/", "AB"}, {})
    .value();
}

script_status sample_status(std::size_t lines) {
  script_status result;
  result.ticket.task_id = "jV2iPzVJ4kSXyVvrYsDQgQ";
  result.state = process_state::running;
  for (std::size_t i = 0; i < lines; ++i)
    result.lines.push_back(
      {output_source::out, timestamp::clock::now(), std::string(80, 'x')});
  return result;
}

void encode_start(benchmark::State& state) {
  auto command = sample_script();
  for (auto _ : state)
    benchmark::DoNotOptimize(halibut::encode_request(
      tentacle::make_request(command), {"id", {}, "poll://x/", "AB"}, {}));
}

void decode_start(benchmark::State& state) {
  auto document = request_document();
  for (auto _ : state) {
    auto request = halibut::decode_request(document, {});
    benchmark::DoNotOptimize(tentacle::decode(request->request));
  }
  state.SetBytesProcessed(state.iterations()
                          * static_cast<std::int64_t>(document.size()));
}

void encode_status(benchmark::State& state) {
  auto status = sample_status(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state)
    benchmark::DoNotOptimize(
      halibut::encode_response(tentacle::encode("id", status), {}));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void decode_status(benchmark::State& state) {
  auto status = sample_status(static_cast<std::size_t>(state.range(0)));
  auto document
    = halibut::encode_response(tentacle::encode("id", status), {}).value();
  for (auto _ : state) {
    auto response = halibut::decode_response(document, {});
    benchmark::DoNotOptimize(tentacle::read_status(response->response));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void make_manifest(benchmark::State& state) {
  kubernetes::script_pod_settings settings;
  settings.namespace_name = "octopus-worker";
  settings.service_account = "octopus-agent-scripts";
  settings.volume_claim = "claim";
  auto command = sample_script();
  kubernetes::script_pod_input input;
  input.image = "octopusdeploy/worker-tools:ubuntu.24.04";
  for (auto _ : state)
    benchmark::DoNotOptimize(
      kubernetes::make_script_pod(settings, command, input));
}

BENCHMARK(encode_start);
BENCHMARK(decode_start);
BENCHMARK(encode_status)->Arg(0)->Arg(1'000);
BENCHMARK(decode_status)->Arg(0)->Arg(1'000);
BENCHMARK(make_manifest);

} // namespace

} // namespace cuttle
