#include "infra/kubernetes/pod_json.hpp"

#include <algorithm>

namespace cuttle::kubernetes {

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

bool blank(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
  });
}

std::optional<json>
json_setting(const std::optional<std::string>& text, std::string_view variable,
             std::string_view description, std::string_view fallback,
             bool (*usable)(const json&), std::vector<std::string>& notes) {
  if (!text || blank(*text))
    return {};
  auto value = json::parse(*text, nullptr, false);
  if (value.is_null())
    return {};
  if (!value.is_discarded() && usable(value))
    return value;
  notes.push_back("Failed to deserialize env." + std::string(variable)
                  + " into a valid " + std::string(description) + ".");
  notes.push_back("JSON value: " + *text);
  notes.push_back("Using " + std::string(fallback) + " "
                  + std::string(description) + " for script pods.");
  return {};
}

} // namespace cuttle::kubernetes
