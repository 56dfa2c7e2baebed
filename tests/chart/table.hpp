#pragma once

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "tests/chart/helm.hpp"

namespace cuttle::test {

/// What one place of the rendered chart must be.
struct expectation {
  enum class kind {
    equal,
    /// A text that is JSON with this meaning.
    json_text,
    /// Base64 of this text.
    base64,
    absent,
    present,
  };

  std::string location;
  kind how = kind::equal;
  json value;
};

/// One line of the tables in tests/chart/cases.
struct chart_case {
  std::string name;
  /// The values that it is about; for the documentation.
  std::vector<std::string> about;
  render_options options;
  std::vector<expectation> expected;
  /// What helm must complain about, all of it; empty: it must not.
  std::vector<std::string> complaints;
};

/// For GoogleTest, which names a test by it.
inline void PrintTo(const chart_case& x, std::ostream* out) {
  *out << x.name;
}

/// All tables, in the order of their files' names. Throws if one is wrong.
const std::vector<chart_case>& chart_cases();

} // namespace cuttle::test
