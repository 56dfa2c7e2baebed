#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace cuttle {

// What the body of a call holds; wrong types count as absent.

/// A text; empty without.
std::string text_of(const nlohmann::json& body, const char* key);

/// Whether it is there and true.
bool flag_of(const nlohmann::json& body, const char* key);

/// A list of texts, the first 100.
std::vector<std::string> texts_of(const nlohmann::json& body, const char* key);

} // namespace cuttle
