#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cuttle::kubernetes {

/// Keeps members in the order in which they were added.
using json = nlohmann::ordered_json;

/// Text of `value` for the wire; bytes that are not UTF-8 are replaced.
std::string dump(const json& value);

/// Whether `text` has no character but white space.
bool blank(std::string_view text);

/// A value of a `PODxxxJSON` setting: the parsed JSON if there is a text, it
/// parses and `usable` accepts it. Nothing otherwise, with the three lines of
/// [POD-13] in `notes` unless the text is blank or `null`. `fallback` is
/// "default" or "no custom".
std::optional<json>
json_setting(const std::optional<std::string>& text, std::string_view variable,
             std::string_view description, std::string_view fallback,
             bool (*usable)(const json&), std::vector<std::string>& notes);

} // namespace cuttle::kubernetes
