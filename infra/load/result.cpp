#include "infra/load/result.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace cuttle::load {

namespace {

using nlohmann::json;

double milliseconds(std::chrono::microseconds x) {
  return static_cast<double>(x.count()) / 1'000;
}

json latency_json(const latency_histogram& x) {
  return {{"count", x.count()},
          {"mean_ms", milliseconds(x.mean())},
          {"p50_ms", milliseconds(x.percentile(0.5))},
          {"p90_ms", milliseconds(x.percentile(0.9))},
          {"p99_ms", milliseconds(x.percentile(0.99))},
          {"max_ms", milliseconds(x.max())}};
}

} // namespace

std::string_view title_of(measure x) {
  switch (x) {
  case measure::start_call:
    return "StartScript due to answered";
  case measure::create_sent:
    return "StartScript due to create sent";
  case measure::pod_created:
    return "StartScript due to pod object";
  case measure::first_line:
    return "pod object to first line";
  case measure::confirmed:
    return "line printed to worker, back";
  case measure::line:
    return "line printed to server";
  case measure::status_call:
    return "GetStatus due to answered";
  case measure::complete:
    return "script's end to completed";
  case measure::cancel:
    return "cancel to over";
  case measure::whole:
    break;
  }
  return "due to over";
}

std::string_view key_of(measure x) {
  switch (x) {
  case measure::start_call:
    return "start_call";
  case measure::create_sent:
    return "create_sent";
  case measure::pod_created:
    return "pod_created";
  case measure::first_line:
    return "first_line";
  case measure::confirmed:
    return "confirmed";
  case measure::line:
    return "line";
  case measure::status_call:
    return "status_call";
  case measure::complete:
    return "complete";
  case measure::cancel:
    return "cancel";
  case measure::whole:
    break;
  }
  return "whole";
}

double load_result::operations_per_second() const {
  return seconds > 0 ? static_cast<double>(ended) / seconds : 0;
}

double load_result::megabytes_per_second() const {
  return seconds > 0 ? static_cast<double>(line_bytes) / 1e6 / seconds : 0;
}

double load_result::pods_per_second() const {
  auto& pods = (*this)[measure::pod_created];
  if (profile.rate > 0 || pods.count() < 2)
    return 0;
  return static_cast<double>(pods.count()) * 1e6
         / static_cast<double>(pods.max().count());
}

bool load_result::sound() const {
  return lost_operations == 0 && doubled_operations == 0 && lost_lines == 0
         && doubled_lines == 0 && disordered_lines == 0;
}

json to_json(const load_result& x) {
  json result{{"profile", to_json(x.profile)},
              {"cluster", x.cluster},
              {"started", x.started},
              {"ended", x.ended},
              {"lost_operations", x.lost_operations},
              {"doubled_operations", x.doubled_operations},
              {"lines", x.lines},
              {"megabytes_per_second", x.megabytes_per_second()},
              {"lost_lines", x.lost_lines},
              {"doubled_lines", x.doubled_lines},
              {"disordered_lines", x.disordered_lines},
              {"status_calls", x.status_calls},
              {"most_at_once", x.most_at_once},
              {"seconds", x.seconds},
              {"operations_per_second", x.operations_per_second()},
              {"generator_behind_ms", milliseconds(x.most_behind)},
              {"sound", x.sound()},
              {"troubles", x.troubles}};
  for (std::size_t i = 0; i < measures; ++i)
    if (x.latencies[i].count() > 0)
      result["latency"][std::string{key_of(static_cast<measure>(i))}]
        = latency_json(x.latencies[i]);
  auto operations = static_cast<double>(std::max<std::uint64_t>(x.ended, 1));
  if (x.calls) {
    double all = 0;
    auto& by_kind = result["calls_per_operation"] = json::object();
    for (auto& [kind, count] : *x.calls) {
      by_kind[kind] = static_cast<double>(count) / operations;
      all += static_cast<double>(count);
    }
    result["calls_per_operation_all"] = all / operations;
  }
  if (x.idle_calls)
    result["idle_calls"] = *x.idle_calls;
  if (x.start_to_polling)
    result["start_to_polling_ms"] = milliseconds(*x.start_to_polling);
  if (x.own_start)
    result["own_start"] = {{"count", x.own_start->count},
                           {"p50_ms", x.own_start->p50_ms},
                           {"p99_ms", x.own_start->p99_ms}};
  if (auto rate = x.pods_per_second(); rate > 0)
    result["pods_per_second"] = rate;
  if (x.bare_pods_per_second) {
    result["bare_pods_per_second"] = *x.bare_pods_per_second;
    result["time_beside_bare"]
      = *x.bare_pods_per_second / std::max(x.pods_per_second(), 1e-3);
  }
  if (x.bare_seconds) {
    result["bare_seconds"] = *x.bare_seconds;
    result["whole_beside_bare"] = x.seconds / std::max(*x.bare_seconds, 1e-3);
  }
  if (x.cpu_seconds)
    result["cpu_ms_per_operation"] = *x.cpu_seconds * 1'000 / operations;
  if (x.idle_mib)
    result["resident_idle_mib"] = *x.idle_mib;
  if (x.peak_mib)
    result["resident_peak_mib"] = *x.peak_mib;
  if (x.steady_mib)
    result["resident_steady_mib"] = *x.steady_mib;
  for (auto& s : x.samples) {
    json sample{{"seconds", s.seconds},
                {"cpu_seconds", s.cpu_seconds},
                {"resident_mib", s.resident_mib},
                {"running", s.running},
                {"ended", s.ended},
                {"descriptors", s.descriptors},
                {"threads", s.threads}};
    if (s.actors)
      sample["actors"] = *s.actors;
    result["samples"].push_back(std::move(sample));
  }
  return result;
}

} // namespace cuttle::load
