#pragma once

#include <map>
#include <string>
#include <string_view>

#include "infra/octopus/mistake.hpp"

namespace cuttle::octopus {

/// Address of an Octopus Server's REST API.
struct server_url {
  /// `https://host[:port][/prefix]`, without a slash at the end and without
  /// `/api`.
  std::string base;
  std::string host;
  std::uint16_t port = 443;
  bool tls = true;
};

/// Reads what a person enters: white space, slashes at the end and a final
/// `/api` do not count, a path prefix (virtual directory) is kept
/// (`install-and-register` 6.1). User names, queries and fragments are refused,
/// since they would end up in logs.
answer<server_url> parse_server_url(std::string_view text);

/// `text` for use inside a path or query: everything but letters, digits and
/// `-._~` is escaped.
std::string escaped(std::string_view text);

/// Fills a link template of the server, such as
/// `/api/workers{/id}{?skip,take,name}`: parameters that it does not name are
/// dropped, those without a value are left out (`install-and-register` 6.1).
std::string expand(std::string_view link,
                   const std::map<std::string, std::string>& values);

/// Joins a base address and a link that the server gave. A link already starts
/// with the prefix of a virtual directory, and must begin with one slash:
/// anything else would lead credentials to another host.
answer<std::string> resolve(const server_url& server, std::string_view link);

} // namespace cuttle::octopus
