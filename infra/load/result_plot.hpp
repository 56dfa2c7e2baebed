#pragma once

// Internal: for the .cpp files of this folder.

#include <string>
#include <utility>
#include <vector>

namespace cuttle::load {

/// One line of a plot.
struct series {
  std::string name;
  std::vector<std::pair<double, double>> values;
};

/// Text as content of XML.
std::string escaped(const std::string& text);

/// A `<figure>` with the lines over an axis that starts at 0 or, logarithmic,
/// at 0.1.
std::string plot(const std::string& title, const std::string& x_name,
                 const std::string& y_name, const std::vector<series>& all,
                 bool log_x);

/// The plots below each other as an SVG file, complete in itself.
struct panel {
  std::string title;
  std::string x_name;
  std::vector<series> lines;
};
std::string svg_file(const std::string& title, const std::vector<panel>& all);

} // namespace cuttle::load
