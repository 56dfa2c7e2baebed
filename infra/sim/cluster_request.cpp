#include "infra/sim/cluster_request.hpp"

#include <charconv>
#include <vector>

#include "infra/sim/cluster_text.hpp"

namespace cuttle::sim {

namespace {

std::vector<std::string> segments(std::string_view path) {
  std::vector<std::string> result;
  while (!path.empty()) {
    path.remove_prefix(1);
    auto slash = path.find('/');
    if (!path.substr(0, slash).empty())
      result.emplace_back(path.substr(0, slash));
    path = slash == path.npos ? std::string_view{} : path.substr(slash);
  }
  return result;
}

bool parse_query(std::string_view text,
                 std::map<std::string, std::string>& out) {
  while (!text.empty()) {
    auto end = text.find('&');
    auto pair = text.substr(0, end);
    auto equals = pair.find('=');
    auto key = url_decode(pair.substr(0, equals));
    auto value = equals == pair.npos ? std::optional<std::string>{""}
                                     : url_decode(pair.substr(equals + 1));
    if (!key || !value)
      return false;
    out.emplace(std::move(*key), std::move(*value));
    text = end == text.npos ? std::string_view{} : text.substr(end + 1);
  }
  return true;
}

std::string verb_of(std::string_view method, const request_path& path) {
  if (method == "POST")
    return "create";
  if (method == "PUT")
    return "update";
  if (method == "PATCH")
    return "patch";
  if (method == "DELETE")
    return path.name.empty() ? "deletecollection" : "delete";
  if (method != "GET")
    return "";
  if (path.subresource == "log")
    return "log";
  if (!path.name.empty() || path.resource == "version")
    return "get";
  return path.flag("watch") ? "watch" : "list";
}

} // namespace

std::string request_path::parameter(const std::string& key) const {
  auto found = query.find(key);
  return found == query.end() ? std::string{} : found->second;
}

bool request_path::flag(const std::string& key) const {
  auto value = parameter(key);
  return value == "true" || value == "1";
}

tl::expected<std::optional<std::int64_t>, api_error>
request_path::number(const std::string& key) const {
  auto text = parameter(key);
  if (text.empty())
    return std::nullopt;
  std::int64_t result = 0;
  auto [end, error]
    = std::from_chars(text.data(), text.data() + text.size(), result);
  if (error != std::errc{} || end != text.data() + text.size())
    return tl::unexpected(bad_request("invalid value for query parameter " + key
                                      + ": \"" + text + '"'));
  return result;
}

std::optional<request_path> parse_target(std::string_view method,
                                         std::string_view target) {
  request_path result;
  auto mark = target.find('?');
  auto path = url_decode(target.substr(0, mark));
  if (!path || path->empty() || path->front() != '/')
    return std::nullopt;
  if (mark != target.npos
      && !parse_query(target.substr(mark + 1), result.query))
    return std::nullopt;
  result.path = std::move(*path);
  auto parts = segments(result.path);
  auto at = [&](std::size_t i) {
    return i < parts.size() ? parts[i] : std::string{};
  };
  if (at(0) == "version" && parts.size() == 1) {
    result.resource = "version";
  } else if (at(0) == "api" && at(1) == "v1" && parts.size() > 2) {
    std::size_t next = 2;
    if (at(2) == "namespaces" && parts.size() > 3) {
      result.namespace_name = at(3);
      next = parts.size() > 4 ? 4 : 2;
    }
    result.resource = at(next);
    result.name = at(next + 1);
    result.subresource = at(next + 2);
  }
  result.verb = verb_of(method, result);
  return result;
}

} // namespace cuttle::sim
