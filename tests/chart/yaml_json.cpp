#include "tests/chart/yaml_json.hpp"

#include <charconv>
#include <cmath>

namespace cuttle::test {

namespace {

json scalar(const YAML::Node& node) {
  auto text = node.Scalar();
  // Quoted, or a block.
  if (node.Tag() == "!" || node.Tag() == "!!str")
    return text;
  if (text.empty() || text == "~" || text == "null")
    return nullptr;
  if (text == "true" || text == "false")
    return text == "true";
  auto* end = text.data() + text.size();
  long long whole = 0;
  if (auto [rest, error] = std::from_chars(text.data(), end, whole);
      error == std::errc{} && rest == end)
    return whole;
  double number = 0;
  if (auto [rest, error] = std::from_chars(text.data(), end, number);
      error == std::errc{} && rest == end && std::isfinite(number))
    return number;
  return text;
}

} // namespace

json to_json(const YAML::Node& node) {
  if (node.IsMap()) {
    auto result = json::object();
    for (auto entry : node)
      result[entry.first.Scalar()] = to_json(entry.second);
    return result;
  }
  if (node.IsSequence()) {
    auto result = json::array();
    for (auto element : node)
      result.push_back(to_json(element));
    return result;
  }
  return node.IsScalar() ? scalar(node) : json();
}

std::vector<json> documents(const std::string& text) {
  std::vector<json> result;
  for (auto& node : YAML::LoadAll(text))
    if (!node.IsNull())
      result.push_back(to_json(node));
  return result;
}

YAML::Node load_file(const std::string& path) {
  return YAML::LoadFile(path);
}

} // namespace cuttle::test
