#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace cuttle::sim {

/// Why the API server refused a request: what a `Status` object says.
struct api_error {
  unsigned code = 500;
  std::string reason;
  std::string message;
  /// `details` of the status; null when there are none.
  nlohmann::json details;
  std::map<std::string, std::string> headers;
};

/// One wrong field of a manifest.
struct field_error {
  /// `FieldValueInvalid`, `FieldValueRequired`, …
  std::string reason;
  /// `spec.containers[0].name`
  std::string field;
  /// `Invalid value: "x": must be …`
  std::string text;
};

/// The `Status` object of an error.
nlohmann::json status_object(const api_error& error);

/// The `Status` object of a success.
nlohmann::json success_object();

/// The reason that Kubernetes gives with an HTTP status.
std::string reason_of(unsigned code);

/// `pods` → `Pod`.
std::string kind_of(std::string_view resource);

/// Errors in Kubernetes' own words.
api_error plain_error(unsigned code, std::string message);
api_error not_found(std::string_view resource, std::string_view name);
api_error no_such_path();
api_error already_exists(std::string_view resource, std::string_view name);
api_error conflict(std::string_view resource, std::string_view name,
                   std::string_view why);
api_error bad_request(std::string message);
api_error invalid(std::string_view resource, std::string_view name,
                  const std::vector<field_error>& causes);
api_error unauthorized();
api_error method_not_allowed();
/// `resource` may have a subresource, as in `pods/log`.
api_error forbidden(std::string_view user, std::string_view verb,
                    std::string_view resource, std::string_view name,
                    std::string_view namespace_name);
api_error too_old(std::uint64_t asked, std::uint64_t oldest);

} // namespace cuttle::sim
