#include "infra/octopus/resources.hpp"

#include <nlohmann/json.hpp>

#include "infra/crypto/identity.hpp"
#include "infra/settings/environment_reader.hpp"

namespace cuttle::octopus {

namespace {

using json = nlohmann::json;

const json none;

const json& member(const json& object, const char* name) {
  if (!object.is_object())
    return none;
  auto found = object.find(name);
  return found == object.end() ? none : *found;
}

std::string text(const json& object, const char* name) {
  auto& value = member(object, name);
  return value.is_string() ? value.get<std::string>() : std::string{};
}

bool flag(const json& object, const char* name) {
  auto& value = member(object, name);
  return value.is_boolean() && value.get<bool>();
}

std::vector<std::string> texts(const json& object, const char* name) {
  std::vector<std::string> result;
  for (auto& x : member(object, name))
    if (x.is_string())
      result.push_back(x.get<std::string>());
  return result;
}

link_map links_of(const json& object) {
  link_map result;
  auto& links = member(object, "Links");
  if (links.is_object())
    for (auto& [name, value] : links.items())
      if (value.is_string())
        result[name] = value.get<std::string>();
  return result;
}

json parse(std::string_view body) {
  return json::parse(body, nullptr, false);
}

tl::unexpected<trouble> not_understood(std::string_view from) {
  return wrong(mistake::answer_wrong,
               "The server's answer about " + std::string{from}
                 + " can not be understood. Check that agent.serverUrl is an "
                   "Octopus Server and that no proxy changes its answers.");
}

std::string next_of(const json& document) {
  auto links = links_of(document);
  auto found = links.find("Page.Next");
  return found == links.end() ? std::string{} : found->second;
}

// The elements of a page or of a plain array.
const json* items_of(const json& document) {
  if (document.is_array())
    return &document;
  auto& items = member(document, "Items");
  return items.is_array() ? &items : nullptr;
}

named named_of(const json& x) {
  named result;
  result.id = text(x, "Id");
  result.name = text(x, "Name");
  result.slug = text(x, "Slug");
  result.pool_type = text(x, "WorkerPoolType");
  result.is_default = flag(x, "IsDefault");
  result.update_behaviour
    = text(member(x, "MachineUpdatePolicy"), "KubernetesAgentUpdateBehavior");
  return result;
}

worker_document worker_of(const json& x) {
  worker_document result;
  result.id = text(x, "Id");
  result.name = text(x, "Name");
  result.health = text(x, "HealthStatus");
  result.policy_id = text(x, "MachinePolicyId");
  result.pool_ids = texts(x, "WorkerPoolIds");
  auto& endpoint = member(x, "Endpoint");
  result.style = text(endpoint, "CommunicationStyle");
  result.upgrade_locked = flag(endpoint, "UpgradeLocked");
  auto& tentacle = member(endpoint, "TentacleEndpointConfiguration");
  auto& from = tentacle.is_object() ? tentacle : endpoint;
  result.thumbprint = crypto::normalise_thumbprint(text(from, "Thumbprint"));
  result.uri = text(from, "Uri");
  auto links = links_of(x);
  if (auto self = links.find("Self"); self != links.end())
    result.self = self->second;
  result.text = x.dump(-1, ' ', false, json::error_handler_t::replace);
  return result;
}

} // namespace

std::string error_message(std::string_view body) {
  auto document = parse(body);
  auto result = text(document, "ErrorMessage");
  for (auto& x : texts(document, "Errors"))
    if (result.find(x) == std::string::npos)
      result += (result.empty() ? "" : " ") + x;
  return one_line(result, 400);
}

answer<root_document> read_root(std::string_view body) {
  auto document = parse(body);
  root_document result;
  result.version = text(document, "Version");
  result.api_version = text(document, "ApiVersion");
  result.links = links_of(document);
  if (text(document, "Application").empty() || result.api_version.empty())
    return wrong(mistake::not_octopus,
                 "What answers at the server URL is no Octopus Server: GET "
                 "/api gave no document of one. Check agent.serverUrl; it is "
                 "the address that a browser shows, without /app and what "
                 "follows.");
  return result;
}

answer<user_document> read_user(std::string_view body) {
  auto document = parse(body);
  user_document result;
  result.id = text(document, "Id");
  result.username = text(document, "Username");
  result.display_name = text(document, "DisplayName");
  result.links = links_of(document);
  if (result.id.empty())
    return not_understood("the current user");
  return result;
}

answer<std::vector<space_document>> read_spaces(std::string_view body) {
  auto document = parse(body);
  auto* items = items_of(document);
  if (items == nullptr)
    return not_understood("the user's spaces");
  std::vector<space_document> result;
  for (auto& x : *items) {
    space_document space;
    space.id = text(x, "Id");
    space.name = text(x, "Name");
    space.is_default = flag(x, "IsDefault");
    space.links = links_of(x);
    if (!space.id.empty())
      result.push_back(std::move(space));
  }
  return result;
}

answer<link_map> read_links(std::string_view body, std::string_view from) {
  auto document = parse(body);
  if (!document.is_object())
    return not_understood(from);
  return links_of(document);
}

answer<page<named>> read_named(std::string_view body, std::string_view from) {
  auto document = parse(body);
  auto* items = items_of(document);
  if (items == nullptr)
    return not_understood(from);
  page<named> result;
  for (auto& x : *items)
    if (auto entry = named_of(x); !entry.id.empty())
      result.items.push_back(std::move(entry));
  result.next = next_of(document);
  return result;
}

answer<page<worker_document>> read_workers(std::string_view body) {
  auto document = parse(body);
  auto* items = items_of(document);
  if (items == nullptr)
    return not_understood("workers");
  page<worker_document> result;
  for (auto& x : *items)
    if (auto worker = worker_of(x); !worker.id.empty())
      result.items.push_back(std::move(worker));
  result.next = next_of(document);
  return result;
}

answer<worker_document> read_worker(std::string_view body) {
  auto document = parse(body);
  if (document.is_object())
    if (auto worker = worker_of(document); !worker.id.empty())
      return worker;
  return not_understood("the worker");
}

answer<std::string> read_thumbprint(std::string_view body) {
  auto document = parse(body);
  auto result = crypto::normalise_thumbprint(text(document, "Thumbprint"));
  auto hex = result.find_first_not_of("0123456789ABCDEF") == std::string::npos;
  if (result.size() != 40 || !hex)
    return not_understood("its certificate");
  return result;
}

answer<std::string> read_access_token(std::string_view body) {
  auto result = text(parse(body), "AccessToken");
  if (result.empty())
    return not_understood("an access token");
  return result;
}

answer<void> check_version(const root_document& root) {
  auto bad = [&](const std::string& what) {
    return wrong(mistake::version_unsupported,
                 what
                   + ". This worker needs an Octopus Server of 2024.2 or later "
                     "(REST API 3.0).");
  };
  unsigned minor = 0;
  unsigned patch = 0;
  int used = 0;
  auto read = std::sscanf(root.api_version.c_str(), "3.%3u.%5u%n", &minor,
                          &patch, &used);
  if (read != 2 || minor != 0 || patch > 99
      || static_cast<std::size_t>(used) != root.api_version.size())
    return bad("The server's REST API has version '"
               + one_line(root.api_version, 40) + "'");
  auto major = settings::parse_number(
    std::string_view{root.version}.substr(0, root.version.find('.')));
  if (major && *major > 0 && *major < 3)
    return bad("The server has version '" + one_line(root.version, 40) + "'");
  return {};
}

} // namespace cuttle::octopus
