#include "tests/chart/table.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "tests/folders.hpp"

namespace cuttle::test {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> texts(const YAML::Node& node) {
  std::vector<std::string> result;
  if (node.IsSequence())
    for (auto x : node)
      result.push_back(x.Scalar());
  else if (node.IsScalar())
    result.push_back(node.Scalar());
  return result;
}

expectation read_expectation(const std::string& location,
                             const YAML::Node& node) {
  expectation result;
  result.location = location;
  auto tag = node.Tag();
  if (tag == "!absent")
    result.how = expectation::kind::absent;
  else if (tag == "!present")
    result.how = expectation::kind::present;
  else if (tag == "!json")
    result.how = expectation::kind::json_text;
  else if (tag == "!base64")
    result.how = expectation::kind::base64;
  else if (tag.starts_with("!") && tag != "!")
    throw std::runtime_error{location + ": the tag " + tag + " is unknown"};
  if (result.how == expectation::kind::base64)
    result.value = node.Scalar();
  else
    result.value = to_json(node);
  return result;
}

chart_case read_case(const YAML::Node& node) {
  chart_case result;
  for (auto entry : node) {
    auto key = entry.first.Scalar();
    auto value = entry.second;
    if (key == "test")
      result.name = value.Scalar();
    else if (key == "about")
      result.about = texts(value);
    else if (key == "set")
      result.options.values = to_json(value);
    else if (key == "release")
      result.options.release = value.Scalar();
    else if (key == "options")
      result.options.more = texts(value);
    else if (key == "fails")
      result.complaints = texts(value);
    else if (key == "expect")
      for (auto place : value)
        result.expected.push_back(
          read_expectation(place.first.Scalar(), place.second));
    else
      throw std::runtime_error{result.name + ": what is '" + key + "'?"};
  }
  if (result.name.empty() || result.about.empty()
      || result.expected.empty() == result.complaints.empty())
    throw std::runtime_error{
      "a case needs 'test', 'about' and one of 'expect' and 'fails': "
      + result.name};
  return result;
}

std::vector<chart_case> read_tables() {
  std::vector<fs::path> files;
  for (auto& entry : fs::directory_iterator{tests_folder() + "/chart/cases"})
    if (entry.path().extension() == ".yaml")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<chart_case> result;
  for (auto& file : files)
    for (auto node : load_file(file.string()))
      result.push_back(read_case(node));
  return result;
}

} // namespace

const std::vector<chart_case>& chart_cases() {
  static const auto all = read_tables();
  return all;
}

} // namespace cuttle::test
