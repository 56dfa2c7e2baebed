#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace cuttle::sim {

/// What `GET /version` gives for a version such as `v1.32.4`.
nlohmann::json version_object(std::string_view version);

/// What `GET /api`, `/apis` and `/api/v1` give, so that `kubectl` works;
/// nothing for other paths.
std::optional<nlohmann::json> discovery_object(std::string_view path);

} // namespace cuttle::sim
