#include <cstdarg>
#include <cstdio>

#include "infra/load/result.hpp"

namespace cuttle::load {

namespace {

[[gnu::format(printf, 2, 3)]] void print(std::string& out, const char* format,
                                         ...) {
  char text[512];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  out += text;
}

double ms(std::chrono::microseconds x) {
  return static_cast<double>(x.count()) / 1'000;
}

} // namespace

std::string to_table(const load_result& x) {
  std::string out;
  print(out, "\n== %s: %llu operations in %.1f s (%.1f a second), %s\n",
        x.profile.name.c_str(), static_cast<unsigned long long>(x.ended),
        x.seconds, x.operations_per_second(), x.cluster.c_str());
  print(out, "%-28s %9s %10s %10s %10s %10s\n", "milliseconds", "count", "p50",
        "p90", "p99", "max");
  for (std::size_t i = 0; i < measures; ++i) {
    auto& h = x.latencies[i];
    if (h.count() == 0)
      continue;
    print(out, "%-28s %9llu %10.1f %10.1f %10.1f %10.1f\n",
          std::string{title_of(static_cast<measure>(i))}.c_str(),
          static_cast<unsigned long long>(h.count()), ms(h.percentile(0.5)),
          ms(h.percentile(0.9)), ms(h.percentile(0.99)), ms(h.max()));
  }
  auto operations = static_cast<double>(x.ended > 0 ? x.ended : 1);
  if (x.calls) {
    out += "Kubernetes calls an operation:";
    for (auto& [kind, count] : *x.calls)
      print(out, "  %s %.2f", kind.c_str(),
            static_cast<double>(count) / operations);
    out += '\n';
  }
  print(out,
        "Status calls an operation: %.1f; most at once: %llu; "
        "generator behind by at most %.1f ms\n",
        static_cast<double>(x.status_calls) / operations,
        static_cast<unsigned long long>(x.most_at_once), ms(x.most_behind));
  if (x.start_to_polling)
    print(out, "Worker polls %.0f ms after its start", ms(*x.start_to_polling));
  if (x.start_to_polling && x.idle_calls)
    print(out, "; %llu calls in %lld s without work, watches left out",
          static_cast<unsigned long long>(*x.idle_calls),
          static_cast<long long>(x.profile.idle.count()));
  if (x.start_to_polling)
    out += '\n';
  if (x.own_start)
    print(out,
          "In the worker, StartScript arrived to create sent: half within %g "
          "ms, 99 of 100 within %g ms (%llu)\n",
          x.own_start->p50_ms, x.own_start->p99_ms,
          static_cast<unsigned long long>(x.own_start->count));
  if (x.bare_pods_per_second)
    print(out, "Pods created a second: %.0f; by a bare client: %.0f\n",
          x.pods_per_second(), *x.bare_pods_per_second);
  if (x.bare_seconds)
    print(out, "All over after %.1f s; as many pods without a worker: %.1f s\n",
          x.seconds, *x.bare_seconds);
  if (x.line_bytes > 0)
    print(out, "Lines: %.2f MB a second\n", x.megabytes_per_second());
  if (x.cpu_seconds && x.idle_mib && x.peak_mib)
    print(out,
          "Worker: %.2f ms of CPU an operation; resident %.1f MiB idle, "
          "%.1f MiB steady, %.1f MiB at most\n",
          *x.cpu_seconds * 1'000 / operations, *x.idle_mib,
          x.steady_mib.value_or(*x.idle_mib), *x.peak_mib);
  print(out,
        "Operations: %llu lost, %llu doubled. Lines: %llu came, %llu "
        "lost, %llu doubled, %llu out of order.\n",
        static_cast<unsigned long long>(x.lost_operations),
        static_cast<unsigned long long>(x.doubled_operations),
        static_cast<unsigned long long>(x.lines),
        static_cast<unsigned long long>(x.lost_lines),
        static_cast<unsigned long long>(x.doubled_lines),
        static_cast<unsigned long long>(x.disordered_lines));
  for (auto& text : x.troubles)
    out += "  " + text + '\n';
  return out;
}

} // namespace cuttle::load
