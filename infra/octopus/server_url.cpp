#include "infra/octopus/server_url.hpp"

#include <algorithm>

#include "infra/settings/environment_reader.hpp"
#include "infra/settings/trusted_servers.hpp"

namespace cuttle::octopus {

namespace {

std::string lower(std::string_view text) {
  std::string result{text};
  for (auto& c : result)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return result;
}

void strip_slashes(std::string& text) {
  while (text.ends_with('/'))
    text.pop_back();
}

bool good_host(std::string_view host) {
  return std::all_of(host.begin(), host.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte > 0x7F || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
           || (c >= 'A' && c <= 'Z')
           || std::string_view{"-._~:%"}.find(c) != std::string_view::npos;
  });
}

tl::unexpected<trouble> bad_url(std::string_view text, std::string_view why) {
  // Never the whole text: it may hold a password.
  auto at = text.rfind('@');
  auto shown = at == std::string_view::npos ? text : text.substr(at + 1);
  return wrong(
    mistake::server_url_wrong,
    "The server URL '" + one_line(shown, 120) + "' " + std::string{why}
      + ". Set agent.serverUrl to the address of the Octopus Server "
        "as a browser shows it, such as https://octopus.example.com");
}

// One `{…}` of a template.
void expand_one(std::string_view inside,
                const std::map<std::string, std::string>& values,
                std::string& out) {
  char kind = inside.empty() ? ' ' : inside.front();
  auto path = kind == '/';
  auto query = kind == '?' || kind == '&';
  if (path || query)
    inside.remove_prefix(1);
  while (!inside.empty()) {
    auto comma = inside.find(',');
    std::string name{inside.substr(0, comma)};
    inside.remove_prefix(comma == std::string_view::npos ? inside.size()
                                                         : comma + 1);
    auto found = values.find(name);
    if (found == values.end())
      continue;
    if (path)
      out += '/' + escaped(found->second);
    else if (query) {
      out += out.find('?') == std::string::npos ? '?' : '&';
      out += name + '=' + escaped(found->second);
    } else {
      out += escaped(found->second);
    }
  }
}

} // namespace

answer<server_url> parse_server_url(std::string_view text) {
  text = settings::trimmed(text);
  if (text.empty())
    return wrong(mistake::server_url_missing,
                 "There is no server URL. Set agent.serverUrl (environment "
                 "variable ServerUrl) to the address of the Octopus Server.");
  auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos)
    return bad_url(text, "does not begin with https:// or http://");
  auto scheme = lower(text.substr(0, scheme_end));
  if (scheme != "https" && scheme != "http")
    return bad_url(text, "does not begin with https:// or http://");
  if (text.find_first_of("?#") != std::string_view::npos)
    return bad_url(text, "has a query or a fragment");
  auto rest = text.substr(scheme_end + 3);
  auto slash = rest.find('/');
  auto authority = rest.substr(0, slash);
  if (authority.find('@') != std::string_view::npos)
    return bad_url(text, "has a user name in it; credentials have settings of "
                         "their own");
  auto parsed = settings::parse_address(text);
  if (!parsed || !good_host(parsed->host))
    return bad_url(text, "has no usable host and port");
  std::string path{slash == std::string_view::npos ? std::string_view{}
                                                   : rest.substr(slash)};
  for (char c : path)
    if (static_cast<unsigned char>(c) <= ' ' || c == '\\' || c == '"')
      return bad_url(text, "has blanks or quotes in its path");
  strip_slashes(path);
  if (lower(path).ends_with("/api"))
    path.resize(path.size() - 4);
  strip_slashes(path);
  server_url result;
  result.host = parsed->host;
  result.port = parsed->port;
  result.tls = scheme == "https";
  result.base = scheme + "://" + std::string{authority} + path;
  return result;
}

std::string escaped(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string result;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    auto plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
                 || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_'
                 || c == '~';
    if (plain) {
      result += c;
    } else {
      result += '%';
      result += digits[byte >> 4];
      result += digits[byte & 15];
    }
  }
  return result;
}

std::string expand(std::string_view link,
                   const std::map<std::string, std::string>& values) {
  std::string result;
  while (!link.empty()) {
    auto open = link.find('{');
    result += link.substr(0, open);
    if (open == std::string_view::npos)
      break;
    auto close = link.find('}', open);
    if (close == std::string_view::npos)
      break;
    expand_one(link.substr(open + 1, close - open - 1), values, result);
    link.remove_prefix(close + 1);
  }
  return result;
}

answer<std::string> resolve(const server_url& server, std::string_view link) {
  auto bad = link.empty() || link.front() != '/' || link.starts_with("//")
             || std::any_of(link.begin(), link.end(), [](char c) {
                  return static_cast<unsigned char>(c) <= ' ' || c == '\\';
                });
  if (bad)
    return wrong(mistake::answer_wrong,
                 "The server gave the link '" + one_line(link, 120)
                   + "', which does not lead to itself. Check that "
                     "agent.serverUrl is an Octopus Server.");
  auto start = server.base.find("://") + 3;
  auto slash = server.base.find('/', start);
  auto prefix
    = slash == std::string::npos ? std::string{} : server.base.substr(slash);
  auto origin = server.base.substr(0, slash);
  // Servers in a virtual directory give links with it; a proxy that adds one
  // does not know about links.
  if (!prefix.empty()
      && (lower(link).starts_with(lower(prefix) + "/")
          || lower(link) == lower(prefix)))
    prefix.clear();
  return origin + prefix + std::string{link};
}

} // namespace cuttle::octopus
