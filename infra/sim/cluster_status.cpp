#include "infra/sim/cluster_status.hpp"

namespace cuttle::sim {

namespace {

std::string quoted(std::string_view text) {
  return '"' + std::string{text} + '"';
}

api_error make(unsigned code, std::string message, std::string_view name = {},
               std::string_view kind = {}) {
  api_error result;
  result.code = code;
  result.reason = reason_of(code);
  result.message = std::move(message);
  if (!name.empty())
    result.details["name"] = name;
  if (!kind.empty())
    result.details["kind"] = kind;
  return result;
}

} // namespace

std::string reason_of(unsigned code) {
  switch (code) {
  case 400:
    return "BadRequest";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "NotFound";
  case 405:
    return "MethodNotAllowed";
  case 409:
    return "Conflict";
  case 410:
    return "Expired";
  case 413:
    return "RequestEntityTooLarge";
  case 415:
    return "UnsupportedMediaType";
  case 422:
    return "Invalid";
  case 429:
    return "TooManyRequests";
  case 500:
    return "InternalError";
  case 503:
    return "ServiceUnavailable";
  case 504:
    return "Timeout";
  default:
    return "";
  }
}

std::string kind_of(std::string_view resource) {
  if (resource == "pods")
    return "Pod";
  if (resource == "events")
    return "Event";
  if (resource == "configmaps")
    return "ConfigMap";
  if (resource == "secrets")
    return "Secret";
  if (resource == "serviceaccounts")
    return "ServiceAccount";
  return std::string{resource};
}

nlohmann::json status_object(const api_error& error) {
  nlohmann::json result{{"kind", "Status"},
                        {"apiVersion", "v1"},
                        {"metadata", nlohmann::json::object()},
                        {"status", "Failure"},
                        {"message", error.message},
                        {"reason", error.reason},
                        {"code", error.code}};
  if (!error.details.is_null())
    result["details"] = error.details;
  return result;
}

nlohmann::json success_object() {
  return {{"kind", "Status"},
          {"apiVersion", "v1"},
          {"metadata", nlohmann::json::object()},
          {"status", "Success"}};
}

api_error plain_error(unsigned code, std::string message) {
  return make(code, std::move(message));
}

api_error not_found(std::string_view resource, std::string_view name) {
  return make(404, std::string{resource} + ' ' + quoted(name) + " not found",
              name, resource);
}

api_error no_such_path() {
  return make(404, "the server could not find the requested resource");
}

api_error already_exists(std::string_view resource, std::string_view name) {
  auto result
    = make(409, std::string{resource} + ' ' + quoted(name) + " already exists",
           name, resource);
  result.reason = "AlreadyExists";
  return result;
}

api_error conflict(std::string_view resource, std::string_view name,
                   std::string_view why) {
  return make(409,
              "Operation cannot be fulfilled on " + std::string{resource} + ' '
                + quoted(name) + ": " + std::string{why},
              name, resource);
}

api_error bad_request(std::string message) {
  return make(400, std::move(message));
}

api_error invalid(std::string_view resource, std::string_view name,
                  const std::vector<field_error>& causes) {
  auto kind = kind_of(resource);
  auto message = kind + ' ' + quoted(name) + " is invalid: ";
  if (causes.size() > 1)
    message += '[';
  auto list = nlohmann::json::array();
  for (const auto& cause : causes) {
    if (!list.empty())
      message += ", ";
    message += cause.field + ": " + cause.text;
    list.push_back({{"reason", cause.reason},
                    {"message", cause.text},
                    {"field", cause.field}});
  }
  if (causes.size() > 1)
    message += ']';
  auto result = make(422, std::move(message), name, kind);
  result.details["causes"] = std::move(list);
  return result;
}

api_error unauthorized() {
  return make(401, "Unauthorized");
}

api_error method_not_allowed() {
  return make(
    405, "the server does not allow this method on the requested resource");
}

api_error forbidden(std::string_view user, std::string_view verb,
                    std::string_view resource, std::string_view name,
                    std::string_view namespace_name) {
  auto plain = std::string{resource.substr(0, resource.find('/'))};
  auto message = plain + (name.empty() ? "" : ' ' + quoted(name))
                 + " is forbidden: User " + quoted(user) + " cannot "
                 + std::string{verb} + " resource " + quoted(resource)
                 + " in API group \"\"";
  message += namespace_name.empty()
               ? " at the cluster scope"
               : " in the namespace " + quoted(namespace_name);
  return make(403, std::move(message), name, plain);
}

api_error too_old(std::uint64_t asked, std::uint64_t oldest) {
  return make(410, "too old resource version: " + std::to_string(asked) + " ("
                     + std::to_string(oldest) + ")");
}

} // namespace cuttle::sim
