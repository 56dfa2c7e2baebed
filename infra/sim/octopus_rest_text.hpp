#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "infra/sim/octopus_rest_http.hpp"

namespace cuttle::sim {

// Pieces of requests and answers of the embedded REST API.

/// An answer with that document.
rest_reply rest_document(int status, const nlohmann::json& body);

/// An answer in the shape of the server's errors.
rest_reply rest_refusal(int status, const std::string& message,
                        std::vector<std::string> errors = {});

/// 404.
rest_reply rest_missing(const std::string& what);

/// `%41` becomes `A`; what is no escape stays.
std::string rest_unescaped(std::string_view text);

/// Parts between separators, without empty ones.
std::vector<std::string_view> rest_split(std::string_view text, char by);

/// ASCII letters in lower case.
std::string rest_lower(std::string text);

/// A member that is a text, else empty.
std::string rest_text(const nlohmann::json& x, const char* name);

/// The element with that `Id`, or null.
nlohmann::json* rest_by_id(std::vector<nlohmann::json>& items,
                           const std::string& id);

/// A header by its name in lower case, else empty.
std::string rest_header(const rest_request& request, const char* name);

/// Value of the first cookie whose name begins like that.
std::string rest_cookie(const rest_request& request, std::string_view prefix);

} // namespace cuttle::sim
