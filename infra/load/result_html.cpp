#include <algorithm>
#include <cmath>
#include <cstdio>

#include "infra/load/result.hpp"

namespace cuttle::load {

namespace {

constexpr double width = 640;
constexpr double height = 260;
constexpr double left = 56;
constexpr double bottom = 30;
constexpr double top = 12;
constexpr double right = 12;

constexpr const char* colours[] = {"#1b6ca8", "#c8553d", "#3a7d44", "#8d5a97",
                                   "#b8860b", "#00838f", "#555555"};

using points = std::vector<std::pair<double, double>>;

struct series {
  std::string name;
  points values;
};

std::string escaped(const std::string& text) {
  std::string out;
  for (auto c : text)
    switch (c) {
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '&':
      out += "&amp;";
      break;
    case '"':
      out += "&quot;";
      break;
    default:
      out += c;
    }
  return out;
}

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof(text), std::abs(x) < 10 ? "%.2f" : "%.0f", x);
  return text;
}

std::string coordinate(double x) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", x);
  return text;
}

std::string label(double x, double y, const std::string& text,
                  const char* anchor) {
  return "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y)
         + "\" text-anchor=\"" + anchor + "\">" + escaped(text) + "</text>";
}

// A round step that gives at most five lines.
double step_for(double most) {
  auto raw = most / 5;
  auto power = std::pow(10.0, std::floor(std::log10(raw)));
  for (auto factor : {1.0, 2.0, 5.0, 10.0})
    if (factor * power >= raw)
      return factor * power;
  return raw;
}

// Lines over an axis that starts at 0 (or, logarithmic, at 0.1).
std::string plot(const std::string& title, const std::string& x_name,
                 const std::string& y_name, const std::vector<series>& all,
                 bool log_x) {
  double most_x = log_x ? 1 : 1e-9, most_y = 1e-9;
  for (auto& s : all)
    for (auto& [x, y] : s.values) {
      most_x = std::max(most_x, x);
      most_y = std::max(most_y, y);
    }
  auto to_x = [&](double x) {
    auto share
      = log_x ? (std::log10(std::max(x, 0.1)) + 1) / (std::log10(most_x) + 1)
              : x / most_x;
    return left + share * (width - left - right);
  };
  auto to_y = [&](double y) {
    return height - bottom - y / most_y * (height - bottom - top);
  };
  std::string out = "<figure><figcaption>" + escaped(title)
                    + "</figcaption><svg viewBox=\"0 0 640 260\" role=\"img\">";
  auto grid = [&](double x1, double y1, double x2, double y2) {
    out += "<line class=\"grid\" x1=\"" + coordinate(x1) + "\" y1=\""
           + coordinate(y1) + "\" x2=\"" + coordinate(x2) + "\" y2=\""
           + coordinate(y2) + "\"/>";
  };
  auto y_step = step_for(most_y);
  for (double y = 0; y <= most_y * 1.001; y += y_step) {
    grid(left, to_y(y), width - right, to_y(y));
    out += label(left - 6, to_y(y) + 4, number(y), "end");
  }
  auto x_step = step_for(most_x);
  for (double x = log_x ? 0.1 : 0; x <= most_x * 1.001;
       x = log_x ? x * 10 : x + x_step) {
    grid(to_x(x), top, to_x(x), height - bottom);
    out += label(to_x(x), height - bottom + 14, number(x), "middle");
  }
  out += label(width - right, height - 3, x_name, "end");
  out += label(left, top - 2, y_name, "start");
  for (std::size_t i = 0; i < all.size(); ++i) {
    out += "<polyline fill=\"none\" stroke-width=\"1.6\" stroke=\"";
    out += colours[i % std::size(colours)];
    out += "\" points=\"";
    for (auto& [x, y] : all[i].values)
      out += coordinate(to_x(x)) + ',' + coordinate(to_y(y)) + ' ';
    out += "\"/>";
  }
  out += "</svg><p class=\"legend\">";
  for (std::size_t i = 0; i < all.size(); ++i) {
    out += "<span style=\"color:";
    out += colours[i % std::size(colours)];
    out += "\">&#9632; " + escaped(all[i].name) + "</span> ";
  }
  return out + "</p></figure>";
}

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
