#include "infra/halibut/proxy.hpp"

#include <algorithm>
#include <charconv>
#include <openssl/evp.h>

#include "infra/halibut/control_line.hpp"

namespace cuttle::halibut {

namespace {

std::string base64(const std::string& text) {
  std::string result(4 * ((text.size() + 2) / 3) + 1, '\0');
  auto size
    = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(result.data()),
                      reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  result.resize(static_cast<std::size_t>(size));
  return result;
}

bool is_blank(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == ' ' || c == '\t'; });
}

} // namespace

std::string format_connect(const server_endpoint& server,
                           const proxy_settings& proxy) {
  auto target = server.host.find(':') == std::string::npos
                  ? server.host
                  : '[' + server.host + ']';
  target += ':' + std::to_string(server.port);
  auto result = "CONNECT " + target + " HTTP/1.0\r\nHost: " + target + "\r\n";
  if (!is_blank(proxy.username))
    result += "Proxy-Authorization: Basic "
              + base64(proxy.username + ':' + proxy.password) + "\r\n";
  return result + "\r\n";
}

outcome<void> check_connect_answer(std::string_view head) {
  auto line = head.substr(0, head.find('\r'));
  auto space = line.find(' ');
  auto start = space == std::string_view::npos
                 ? space
                 : line.find_first_not_of(' ', space);
  int status = 0;
  auto parsed = false;
  if (start != std::string_view::npos
      && line.substr(0, space).find("HTTP") != std::string_view::npos) {
    auto end = std::min(line.find(' ', start), line.size());
    auto [rest, error]
      = std::from_chars(line.data() + start, line.data() + end, status);
    parsed = error == std::errc{} && rest == line.data() + end;
  }
  if (!parsed)
    return fail(errc::protocol_error, "the proxy answered \"" + printable(line)
                                        + "\", which is no HTTP status line");
  if (status == 407)
    return fail(errc::forbidden, "the proxy wants other credentials (407)");
  if (status != 200)
    return fail(errc::unavailable,
                "the proxy refused the connection: " + printable(line));
  return {};
}

} // namespace cuttle::halibut
