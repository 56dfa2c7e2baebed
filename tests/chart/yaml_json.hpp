#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <yaml-cpp/yaml.h>

namespace cuttle::test {

/// Keeps members in the order of the text.
using json = nlohmann::ordered_json;

/// A YAML node as JSON, with the types of YAML's core schema: a number in
/// quotes is a text. Numbers that are whole are integers.
json to_json(const YAML::Node& node);

/// The documents of a YAML text that are not empty.
std::vector<json> documents(const std::string& text);

/// The only document of a file. Throws if it can not be read.
YAML::Node load_file(const std::string& path);

} // namespace cuttle::test
