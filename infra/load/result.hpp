#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "infra/load/histogram.hpp"
#include "infra/load/profile.hpp"

namespace cuttle::load {

/// What is measured of each operation.
enum class measure : std::uint8_t {
  /// Due → StartScript answered.
  start_call,
  /// Due → the API server has the whole request for the pod (embedded cluster
  /// only, which knows when it came).
  create_sent,
  /// Due → the pod's object exists.
  pod_created,
  /// The pod's object exists → the server has the script's first line.
  first_line,
  /// A line was printed → the worker has it and has said so (links only).
  confirmed,
  /// A line was printed → the server has it.
  line,
  /// GetStatus due → answered.
  status_call,
  /// The script ended → CompleteScript answered.
  complete,
  /// The user cancelled → the operation is over.
  cancel,
  /// Due → over.
  whole,
};

inline constexpr std::size_t measures = 10;

/// Names for people and for reports.
std::string_view title_of(measure x);
std::string_view key_of(measure x);

/// The worker's process at one moment.
struct worker_sample {
  /// Since the start of the load.
  double seconds = 0;
  /// Since the process started.
  double cpu_seconds = 0;
  double resident_mib = 0;
  std::uint64_t running = 0;
  std::uint64_t ended = 0;
  /// Descriptors and threads of the process.
  unsigned descriptors = 0;
  unsigned threads = 0;
  /// Actors of the worker, where its metrics can be read.
  std::optional<double> actors{};
};

/// What a histogram of the worker's metrics says: so many times, half of them
/// and 99 of 100 within so many milliseconds, which are bounds of its buckets.
struct own_time {
  std::uint64_t count = 0;
  double p50_ms = 0;
  double p99_ms = 0;
};

/// What one load brought to light.
struct load_result {
  load_profile profile;
  std::string cluster;
  std::array<latency_histogram, measures> latencies;
  std::uint64_t started = 0;
  std::uint64_t ended = 0;
  /// Did not end as their script does, or not at all.
  std::uint64_t lost_operations = 0;
  /// Ran more than once.
  std::uint64_t doubled_operations = 0;
  std::uint64_t lines = 0;
  /// Their text.
  std::uint64_t line_bytes = 0;
  std::uint64_t lost_lines = 0;
  std::uint64_t doubled_lines = 0;
  std::uint64_t disordered_lines = 0;
  std::uint64_t status_calls = 0;
  std::uint64_t most_at_once = 0;
  /// From the first start to the last end.
  double seconds = 0;
  /// The furthest that the generator itself was behind, concurrency limit
  /// included.
  std::chrono::microseconds most_behind{0};
  /// Requests to the API server by "verb resource"; nothing if not counted.
  std::optional<std::map<std::string, std::uint64_t>> calls;
  /// Requests while nothing ran, watches left out; nothing if not counted.
  std::optional<std::uint64_t> idle_calls;
  /// From the worker's process to its first polling connection.
  std::optional<std::chrono::microseconds> start_to_polling;
  /// StartScript arrived → the request for its pod goes out, by the worker's
  /// own metrics: its part of `measure::create_sent`.
  std::optional<own_time> own_start;
  /// Pods a second that a client without a worker creates on the same cluster.
  std::optional<double> bare_pods_per_second;
  /// Until as many pods have ended without a worker; a real cluster only.
  std::optional<double> bare_seconds;
  /// Nothing if the worker is not a process of this machine.
  std::optional<double> cpu_seconds;
  std::optional<double> idle_mib;
  std::optional<double> peak_mib;
  /// Median of the samples under load.
  std::optional<double> steady_mib;
  std::vector<worker_sample> samples;
  /// The first few troubles, as sentences.
  std::vector<std::string> troubles;

  latency_histogram& operator[](measure x) {
    return latencies[static_cast<std::size_t>(x)];
  }
  const latency_histogram& operator[](measure x) const {
    return latencies[static_cast<std::size_t>(x)];
  }

  double operations_per_second() const;

  /// Text of lines that came, a second.
  double megabytes_per_second() const;

  /// Pods a second that the worker created, from the first one due to the last
  /// object; 0 when they were not all due at once.
  double pods_per_second() const;

  /// Nothing was lost and nothing came or ran twice.
  bool sound() const;
};

/// Everything for programs.
nlohmann::json to_json(const load_result& result);

/// A table for people.
std::string to_table(const load_result& result);

/// What the worker took over the time of a load, as an SVG file.
std::string to_svg(const load_result& result, const std::string& machine);

/// A page with plots, complete in itself. `machine` is one line about where it
/// was measured.
std::string to_html(const std::vector<load_result>& results,
                    const std::string& machine);

} // namespace cuttle::load
