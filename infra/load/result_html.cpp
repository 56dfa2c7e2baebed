#include <algorithm>

#include "infra/load/result.hpp"
#include "infra/load/result_plot.hpp"

namespace cuttle::load {

namespace {

std::string latency_plot(const load_result& x) {
  std::vector<series> all;
  for (std::size_t i = 0; i < measures; ++i) {
    if (x.latencies[i].count() == 0)
      continue;
    series s{std::string{title_of(static_cast<measure>(i))}, {}};
    double before = 0;
    for (auto& [bound, share] : x.latencies[i].curve()) {
      auto at = static_cast<double>(bound.count()) / 1'000;
      s.values.emplace_back(at, before);
      s.values.emplace_back(at, share * 100);
      before = share * 100;
    }
    all.push_back(std::move(s));
  }
  return plot("How many took at most so long", "milliseconds (logarithmic)",
              "%", all, true);
}

std::string worker_plots(const load_result& x) {
  if (x.samples.size() < 2)
    return {};
  series resident{"resident MiB of the worker", {}};
  series running{"operations running", {}};
  series cpu{"cores in use by the worker", {}};
  series rate{"operations ended a second", {}};
  for (std::size_t i = 0; i < x.samples.size(); ++i) {
    auto& s = x.samples[i];
    resident.values.emplace_back(s.seconds, s.resident_mib);
    running.values.emplace_back(s.seconds, static_cast<double>(s.running));
    // Over a second, since single samples jump.
    constexpr std::size_t back = 4;
    if (i < back)
      continue;
    auto& before = x.samples[i - back];
    auto time = std::max(s.seconds - before.seconds, 1e-3);
    cpu.values.emplace_back(s.seconds,
                            (s.cpu_seconds - before.cpu_seconds) / time);
    rate.values.emplace_back(
      s.seconds, static_cast<double>(s.ended - before.ended) / time);
  }
  std::string out;
  if (x.peak_mib)
    out += plot("Memory", "seconds", "MiB", {resident}, false)
           + plot("CPU", "seconds", "cores", {cpu}, false);
  return out + plot("Operations", "seconds", "", {running, rate}, false);
}

std::string preformatted(const std::string& text) {
  return "<pre>" + escaped(text) + "</pre>";
}

} // namespace

std::string to_svg(const load_result& x, const std::string& machine) {
  series resident{"MiB", {}};
  series descriptors{"descriptors", {}};
  series threads{"threads", {}};
  series actors{"actors", {}};
  series running{"running", {}};
  constexpr double minute = 60;
  for (auto& s : x.samples) {
    auto at = s.seconds / minute;
    resident.values.emplace_back(at, s.resident_mib);
    descriptors.values.emplace_back(at, s.descriptors);
    threads.values.emplace_back(at, s.threads);
    running.values.emplace_back(at, static_cast<double>(s.running));
    if (s.actors)
      actors.values.emplace_back(at, *s.actors);
  }
  return svg_file(x.profile.name + ": " + machine,
                  {{"Resident memory, MiB", "minutes", {resident}},
                   {"Descriptors", "minutes", {descriptors}},
                   {"Threads", "minutes", {threads}},
                   {"Actors", "minutes", {actors}},
                   {"Operations running", "minutes", {running}}});
}

std::string to_html(const std::vector<load_result>& results,
                    const std::string& machine) {
  std::string out
    = "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\">"
      "<title>Load on a Cuttle worker</title><style>"
      "body{font:15px/1.45 sans-serif;max-width:72rem;margin:2rem auto;"
      "padding:0 1rem;color:#222}figure{display:inline-block;width:34rem;"
      "max-width:100%;margin:0 1rem 1rem 0;vertical-align:top}"
      "figcaption{font-weight:bold}svg{width:100%}svg text{font-size:11px;"
      "fill:#555}.grid{stroke:#ddd;stroke-width:1}.legend{font-size:12px;"
      "margin:0}pre{overflow-x:auto;background:#f6f6f4;padding:.7rem}"
      ".bad{color:#b00020;font-weight:bold}</style>"
      "<h1>Load on a Cuttle worker</h1><p>"
      + escaped(machine) + "</p>";
  for (auto& x : results) {
    out += "<h2>" + escaped(x.profile.name) + "</h2><p>"
           + escaped(x.profile.about) + "</p>";
    if (!x.sound())
      out += "<p class=\"bad\">Something was lost, or came or ran twice.</p>";
    out += preformatted(to_table(x)) + latency_plot(x) + worker_plots(x);
  }
  return out + "</html>\n";
}

} // namespace cuttle::load
