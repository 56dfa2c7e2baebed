#include "infra/load/result_plot.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>

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
std::string chart(const std::string& x_name, const std::string& y_name,
                  const std::vector<series>& all, bool log_x) {
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
  std::string out;
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
  return out;
}

} // namespace

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

std::string plot(const std::string& title, const std::string& x_name,
                 const std::string& y_name, const std::vector<series>& all,
                 bool log_x) {
  auto out = "<figure><figcaption>" + escaped(title)
             + "</figcaption><svg viewBox=\"0 0 640 260\" role=\"img\">"
             + chart(x_name, y_name, all, log_x);
  out += "</svg><p class=\"legend\">";
  for (std::size_t i = 0; i < all.size(); ++i) {
    out += "<span style=\"color:";
    out += colours[i % std::size(colours)];
    out += "\">&#9632; " + escaped(all[i].name) + "</span> ";
  }
  return out + "</p></figure>";
}

std::string svg_file(const std::string& title, const std::vector<panel>& all) {
  constexpr double head = 28;
  constexpr double caption = 22;
  auto full = head + static_cast<double>(all.size()) * (height + caption);
  auto out
    = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 "
      + coordinate(full)
      + "\" font-family=\"sans-serif\"><style>text{font-size:11px;fill:#555}"
        ".grid{stroke:#ddd;stroke-width:1}.title{font-size:13px;fill:#222;"
        "font-weight:bold}</style><rect width=\"640\" height=\""
      + coordinate(full)
      + "\" fill=\"#fff\"/><text class=\"title\" x=\"8\" y=\"18\">"
      + escaped(title) + "</text>";
  auto at = head;
  for (auto& x : all) {
    out += "<text x=\"8\" y=\"" + coordinate(at + 14) + "\">" + escaped(x.title)
           + "</text><g transform=\"translate(0 " + coordinate(at + caption)
           + ")\">" + chart(x.x_name, {}, x.lines, false) + "</g>\n";
    at += height + caption;
  }
  return out + "</svg>\n";
}

} // namespace cuttle::load
