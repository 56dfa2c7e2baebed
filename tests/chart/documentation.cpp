#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "tests/chart/table.hpp"
#include "tests/folders.hpp"

namespace cuttle::test {

namespace {

std::string content(const std::string& path) {
  std::ifstream file{path};
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

// One value of the schema that is not a group of others.
struct described_value {
  std::string path;
  std::string text;
};

constexpr auto without_effect = "Of the stock chart; no effect";

void collect(const json& schema, const std::string& path,
             std::vector<described_value>& out) {
  if (schema.contains("properties")
      && (!schema.contains("description") || path == "kubernetesMonitor")
      && schema.value("type", "") == "object") {
    for (auto& [key, inner] : schema["properties"].items())
      collect(inner, path.empty() ? key : path + "." + key, out);
    return;
  }
  out.push_back({path, schema.value("description", "")});
}

std::vector<described_value> described() {
  std::vector<described_value> result;
  collect(json::parse(content(chart_folder() + "/values.schema.json")), "",
          result);
  return result;
}

const json& defaults() {
  static const auto all = to_json(load_file(chart_folder() + "/values.yaml"));
  return all;
}

const json* default_of(const std::string& path) {
  auto* at = &defaults();
  std::istringstream parts{path};
  for (std::string key; std::getline(parts, key, '.');) {
    if (!at->is_object() || !at->contains(key))
      return nullptr;
    at = &(*at)[key];
  }
  return at;
}

std::string shown_default(const std::string& path) {
  auto* value = default_of(path);
  if (!value)
    return "–";
  if (path.ends_with("affinity"))
    return "Linux on arm64 or amd64";
  auto text = value->dump();
  return text == "\"\"" ? "–" : "`" + text + "`";
}

std::string one_cell(std::string text) {
  for (std::size_t i = 0; (i = text.find('|', i)) != std::string::npos; i += 2)
    text.insert(i, "\\");
  return text;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string result;
  for (auto& x : parts)
    result += (result.empty() ? "" : ", ") + x;
  return result;
}

// The document's text after its introduction.
std::string make_table() {
  std::map<std::string, std::vector<std::string>> places;
  std::map<std::string, std::vector<std::string>> tests;
  for (auto& x : chart_cases())
    for (auto& path : x.about) {
      tests[path].push_back(x.name);
      for (auto& e : x.expected) {
        auto shown = "`" + e.location + "`";
        auto& list = places[path];
        if (list.size() < 4
            && std::find(list.begin(), list.end(), shown) == list.end())
          list.push_back(shown);
      }
    }
  std::string result = "| value | meaning | default | where it ends up | tests "
                       "|\n| --- | --- | --- | --- | --- |\n";
  std::string ignored;
  for (auto& x : described()) {
    if (x.text == without_effect) {
      ignored += "* `" + x.path + "`\n";
      continue;
    }
    result += "| `" + x.path + "` | " + one_cell(x.text) + " | "
              + one_cell(shown_default(x.path)) + " | "
              + one_cell(joined(places[x.path])) + " | " + joined(tests[x.path])
              + " |\n";
  }
  return result + "\n## Taken, without effect\n\n" + ignored;
}

} // namespace

TEST(ChartValues, AreAllDescribedAndTested) {
  std::set<std::string> tested;
  for (auto& x : chart_cases())
    tested.insert(x.about.begin(), x.about.end());
  std::set<std::string> known;
  for (auto& x : described()) {
    known.insert(x.path);
    EXPECT_FALSE(x.text.empty()) << x.path << " has no description";
    if (x.text != without_effect) {
      EXPECT_TRUE(tested.contains(x.path)) << x.path << " has no test";
    }
  }
  EXPECT_GT(known.size(), 120u);
  for (auto& path : tested)
    EXPECT_TRUE(known.contains(path)) << path << " is not in the schema";
}

TEST(ChartValues, HaveTheDefaultsOfTheStockChart) {
  auto stock
    = to_json(load_file(tests_folder() + "/chart/stock_defaults.yaml"));
  std::set<std::string> known;
  for (auto& [path, value] : stock["same"].items()) {
    known.insert(path);
    auto* own = default_of(path);
    ASSERT_NE(own, nullptr) << path;
    EXPECT_EQ(nlohmann::json(*own), nlohmann::json(value)) << path;
  }
  for (auto& [path, entry] : stock["different"].items()) {
    known.insert(path);
    auto* own = default_of(path);
    ASSERT_NE(own, nullptr) << path;
    EXPECT_NE(nlohmann::json(*own), nlohmann::json(entry["stock"])) << path;
    EXPECT_FALSE(entry["because"].get<std::string>().empty());
  }
  for (auto& x : described())
    if (!x.path.starts_with("cuttle.") && !x.path.starts_with("global.")
        && x.text != without_effect) {
      EXPECT_TRUE(known.contains(x.path))
        << x.path << " is not in stock_defaults.yaml";
    }
}

TEST(ChartValues, AreOfTheChartForThisVersionOfTheProgram) {
  auto chart = to_json(load_file(chart_folder() + "/Chart.yaml"));
  EXPECT_EQ(chart["appVersion"], CUTTLE_VERSION);
}

TEST(ChartValues, AreInTheDocumentation) {
  auto path = docs_folder() + "/chart-values.md";
  auto text = content(path);
  const std::string start = "| value | meaning |";
  auto begin = text.find(start);
  ASSERT_NE(begin, std::string::npos) << path << " has no table";
  auto wanted = make_table();
  if (std::getenv("CUTTLE_WRITE_GOLDEN"))
    std::ofstream{path} << text.substr(0, begin) << wanted;
  EXPECT_EQ(text.substr(begin), wanted)
    << "Run the test with CUTTLE_WRITE_GOLDEN=1 and look at the difference.";
}

} // namespace cuttle::test
