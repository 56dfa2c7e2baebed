#include "programs/cuttle/bench.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>
#include <unistd.h>
#include <utility>

#include "infra/telemetry/log.hpp"
#include "programs/cuttle/bench_stage.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;

// For the worker to come to rest once it has connected.
constexpr auto rest = 1s;

std::string first_value(const char* file, const std::string& name) {
  std::ifstream in{file};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name))
      return line.substr(std::min(line.size(), line.find(':') + 2));
  return "unknown";
}

// Where figures were measured, without the machine's name.
std::string machine_line() {
  double load[3] = {0, 0, 0};
  getloadavg(load, 3);
  char text[256];
  std::snprintf(text, sizeof(text),
                "%u cores (%s), memory %s, load average %.1f at the start, "
                "Cuttle %s",
                std::thread::hardware_concurrency(),
                first_value("/proc/cpuinfo", "model name").c_str(),
                first_value("/proc/meminfo", "MemTotal").c_str(), load[0],
                CUTTLE_VERSION);
  std::string result = text;
  // (numbers there are padded with spaces)
  auto twice = [](char a, char b) { return a == ' ' && b == ' '; };
  result.erase(std::unique(result.begin(), result.end(), twice), result.end());
  return result;
}

std::map<std::string, std::uint64_t>
difference(const std::map<std::string, std::uint64_t>& before,
           std::map<std::string, std::uint64_t> after) {
  for (auto& [kind, count] : before)
    after[kind] -= count;
  std::erase_if(after, [](auto& x) { return x.second == 0; });
  return after;
}

std::uint64_t
without_watches(const std::map<std::string, std::uint64_t>& calls) {
  std::uint64_t result = 0;
  for (auto& [kind, count] : calls)
    result += kind.starts_with("watch ") ? 0 : count;
  return result;
}

double median_under_load(const std::vector<load::worker_sample>& samples,
                         double otherwise) {
  std::vector<double> values;
  for (auto& x : samples)
    if (x.running > 0)
      values.push_back(x.resident_mib);
  if (values.empty())
    return otherwise;
  auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

class bench {
public:
  bench(const bench_options& options, const load::load_profile& profile,
        stop_signal& stop)
    : options_(options), profile_(profile), stop_(stop),
      stage_(options, profile, stop) {}

  outcome<load::load_result> play() {
    if (auto ready = stage_.prepare(); !ready)
      return tl::unexpected(ready.error());
    load::generator load{profile_, stage_.targets()};
    // Whatever happens, nothing calls the load after its end.
    auto last = [](bench_stage* stage) { stage->stop_servers(); };
    std::unique_ptr<bench_stage, decltype(last)> quiet{&stage_, last};
    auto* cluster = stage_.cluster();
    if (cluster) {
      cluster->watch_lines(
        [&load](std::chrono::microseconds x) { load.line_confirmed(x); });
      auto watching
        = cluster->watch_pods([&load](const std::string& name, auto asked) {
            load.pod_created(name, asked);
          });
      if (!watching)
        return tl::unexpected(watching.error());
    }
    if (stop_.wait_for(rest, [] { return false; }))
      return fail(errc::cancelled, "interrupted");
    auto before = cluster ? cluster->calls() : std::nullopt;
    if (stop_.wait_for(profile_.idle, [] { return false; }))
      return fail(errc::cancelled, "interrupted");
    auto idle = stage_.usage();
    auto calls = cluster ? cluster->calls() : std::nullopt;
    load.run([this](const load::generator::progress& x) { return tick(x); });
    auto used = stage_.usage();
    auto own_start = stage_.own_start();
    auto calls_after = cluster ? cluster->calls() : std::nullopt;
    quiet.reset();
    auto result = load.result();
    result.cluster = stage_.description();
    if (before && calls)
      result.idle_calls = without_watches(difference(*before, *calls));
    if (calls && calls_after)
      result.calls = difference(*calls, std::move(*calls_after));
    result.start_to_polling = stage_.start_to_polling();
    result.own_start = own_start;
    if (idle && used) {
      result.cpu_seconds = used->cpu_seconds - idle->cpu_seconds;
      result.idle_mib = idle->resident_mib;
      result.peak_mib = used->peak_mib;
      result.steady_mib = median_under_load(samples_, idle->resident_mib);
    } else if (idle) {
      result.troubles.push_back("the worker's process has ended");
    }
    result.samples = std::move(samples_);
    if (cluster && profile_.bare && !stop_.raised()) {
      stage_.stop_worker();
      if (auto bare = cluster->create_bare(result.started, stop_)) {
        result.bare_pods_per_second = bare->pods_per_second;
        result.bare_seconds = bare->seconds;
      }
    }
    if (!options_.quiet)
      std::fprintf(stderr, "\r%*s\r", 78, "");
    return result;
  }

private:
  bool tick(const load::generator::progress& x) {
    freeze(x.since_start);
    auto usage = stage_.usage().value_or(process_usage{});
    samples_.push_back({x.since_start.count(), usage.cpu_seconds,
                        usage.resident_mib, x.started - x.ended, x.ended,
                        usage.descriptors, usage.threads, stage_.actors()});
    auto second = static_cast<int>(x.since_start.count());
    if (!options_.quiet && second != shown_) {
      shown_ = second;
      auto terminal = isatty(STDERR_FILENO) == 1;
      std::fprintf(stderr,
                   "%s%s: %d s, %llu started, %llu over, %llu in trouble, %.0f "
                   "MiB%s",
                   terminal ? "\r" : "", profile_.name.c_str(), second,
                   static_cast<unsigned long long>(x.started),
                   static_cast<unsigned long long>(x.ended),
                   static_cast<unsigned long long>(x.troubled),
                   usage.resident_mib, terminal ? "   " : "\n");
    }
    return !stop_.raised();
  }

  void freeze(std::chrono::duration<double> since_start) {
    auto length = profile_.frozen_until - profile_.frozen_from;
    auto frozen = since_start >= profile_.frozen_from
                  && since_start < profile_.frozen_until;
    if (frozen != std::exchange(frozen_, frozen) && stage_.cluster())
      stage_.cluster()->freeze(frozen ? length : std::chrono::seconds{0});
  }

  const bench_options& options_;
  const load::load_profile& profile_;
  stop_signal& stop_;
  bool frozen_ = false;
  std::vector<load::worker_sample> samples_;
  int shown_ = -1;
  bench_stage stage_;
};

bool write_file(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out{file};
  out << text;
  if (out.flush())
    return true;
  std::fprintf(stderr, "cuttle bench: %s can not be written\n", file.c_str());
  return false;
}

bool write_reports(const bench_options& options, const std::string& machine,
                   const std::vector<load::load_result>& results) {
  auto good = true;
  if (options.json) {
    nlohmann::json report{{"machine", machine},
                          {"runs", nlohmann::json::array()}};
    for (auto& x : results)
      report["runs"].push_back(to_json(x));
    good = write_file(*options.json, report.dump(2) + '\n') && good;
  }
  if (options.svg && !results.empty())
    good = write_file(*options.svg, to_svg(results.back(), machine)) && good;
  if (options.html)
    good = write_file(*options.html, to_html(results, machine)) && good;
  return good;
}

} // namespace

int run_bench(const bench_options& options) {
  // Before the logging's thread, which would take the signals.
  stop_signal stop;
  telemetry::start_logging(settings::log_level::error);
  auto machine = machine_line();
  std::printf("%s\n", machine.c_str());
  std::vector<load::load_result> results;
  auto good = true;
  for (auto& profile : options.profiles) {
    auto result = bench{options, profile, stop}.play();
    if (!result) {
      std::fprintf(stderr, "cuttle bench: %s: %s\n", profile.name.c_str(),
                   result.error().text.c_str());
      good = false;
      break;
    }
    good = result->sound() && good;
    std::fputs(to_table(*result).c_str(), stdout);
    std::fflush(stdout);
    results.push_back(std::move(*result));
    if (stop.raised()) {
      good = false;
      break;
    }
  }
  good = write_reports(options, machine, results) && good;
  telemetry::stop_logging();
  return good ? 0 : 1;
}

} // namespace cuttle
