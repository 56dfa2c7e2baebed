#include "infra/octopus/http_result.hpp"

#include <cerrno>
#include <cstring>
#include <curl/curl.h>
#include <nlohmann/json.hpp>
#include <openssl/x509_vfy.h>

#include "infra/crypto/cipher.hpp"
#include "infra/octopus/resources.hpp"

namespace cuttle::octopus {

namespace {

using clock = std::chrono::system_clock;

// Clocks that differ by more than this are named; tokens live for an hour.
constexpr std::chrono::minutes clock_tolerance{5};

std::string place(const http_target& to) {
  return to.host + ":" + std::to_string(to.port);
}

trouble tls_trouble(const http_target& to, const http_result& x) {
  auto& seen = x.tls;
  auto head = "The certificate of " + to.what;
  auto shown = " (subject '" + seen.subject + "', issuer '" + seen.issuer
               + "', thumbprint " + seen.thumbprint + ")";
  switch (seen.verify_error) {
  case X509_V_ERR_CERT_HAS_EXPIRED:
    return {mistake::tls_expired,
            head + " expired on " + seen.not_after + "; here it is "
              + minute_of(to.now) + shown
              + ". Renew it, or correct the clock of the node."};
  case X509_V_ERR_CERT_NOT_YET_VALID:
    return {mistake::clock,
            head + " is valid from " + seen.not_before + " on only; here it is "
              + minute_of(to.now) + shown
              + ". Most likely the clock of the node is wrong."};
  case X509_V_OK:
    break;
  default:
    return {mistake::tls_chain,
            head + " is not trusted: "
              + X509_verify_cert_error_string(seen.verify_error) + shown
              + ". If it comes from an authority of your own, give that "
                "authority's certificate as agent.serverCertificate; if a "
                "proxy replaces certificates, give the proxy's."};
  }
  if (x.curl_code == CURLE_PEER_FAILED_VERIFICATION)
    return {mistake::tls_name, head + " is not made out for the name '"
                                 + to.host + "'" + shown
                                 + ". Use a name that is in the certificate in "
                                 + to.setting + ", or renew it."};
  return {
    mistake::tls_failed,
    "There is no TLS with " + to.what + ": " + one_line(x.detail)
      + ". Check that the port " + std::to_string(to.port)
      + " speaks HTTPS (TLS 1.2 or later), and that no firewall cuts it."};
}

trouble connect_trouble(const http_target& to, const http_result& x) {
  if (!to.proxy.empty())
    return {mistake::proxy_unreachable,
            "The proxy " + to.proxy + " can not be reached ("
              + one_line(x.detail) + "). Check agent.pollingProxy.host and "
              + "agent.pollingProxy.port."};
  if (x.os_error == ECONNREFUSED)
    return {mistake::tcp_refused,
            "Nothing listens for " + to.what + ": " + place(to)
              + " refused the connection. Check host and port in " + to.setting
              + ", and that the server runs."};
  auto why = x.os_error != 0 ? std::string{std::strerror(x.os_error)}
                             : one_line(x.detail);
  return {mistake::unreachable,
          "There is no way to " + to.what + ": " + place(to) + ": " + why
            + ". Check " + to.setting
            + ", the cluster's routes and its network policies."};
}

trouble timeout_trouble(const http_target& to, const http_result& x) {
  if (x.connected)
    return {mistake::no_answer,
            to.what + " took the connection and gave no answer in time ("
              + one_line(x.detail)
              + "). Check what listens there, and a firewall or proxy that "
                "swallows traffic."};
  if (!to.proxy.empty())
    return {mistake::proxy_unreachable,
            "The proxy " + to.proxy
              + " does not answer in time. Check agent.pollingProxy.host and "
                "agent.pollingProxy.port, and the cluster's egress rules."};
  return {mistake::connect_timeout,
          "No connection to " + to.what + ": nothing answers at " + place(to)
            + " in time. A firewall or a network policy most likely drops the "
              "packets: allow egress to it, or set agent.pollingProxy. Check "
            + to.setting + " too."};
}

std::string upper_first(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z')
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

trouble proxy_trouble(const http_target& to, int status) {
  if (status == 407)
    return {mistake::proxy_credentials,
            "The proxy " + to.proxy
              + " wants other credentials (HTTP 407). Check "
                "agent.pollingProxy.username and agent.pollingProxy.password."};
  return {mistake::proxy_refused,
          "The proxy " + to.proxy + " does not let through to " + place(to)
            + " (HTTP " + std::to_string(status)
            + "). Allow CONNECT to that host and port in the proxy."};
}

std::string advice_for(credential_kind kind) {
  switch (kind) {
  case credential_kind::api_key:
    return "The API key (agent.serverApiKey) is wrong, was revoked or has "
           "expired, or its user is disabled. Make a new one in the user's "
           "profile.";
  case credential_kind::bearer:
    return "The bearer token (agent.bearerToken) is wrong, or is not this "
           "server's. Such tokens are valid for an hour; get a new command "
           "from the portal or from 'cuttle wizard'.";
  case credential_kind::password:
    return "The session of the user name and password is not accepted.";
  case credential_kind::none:
    break;
  }
  return "There are no credentials.";
}

trouble refusal(const http_target& to, const http_result& x,
                credential_kind kind, std::optional<clock::time_point> expiry,
                const std::string& tail) {
  if (kind == credential_kind::bearer && expiry && *expiry <= to.now)
    return {mistake::token_expired,
            "The bearer token (agent.bearerToken) expired on "
              + minute_of(*expiry) + "; here it is " + minute_of(to.now)
              + ". Get a new command from the portal or from 'cuttle wizard'."};
  if (x.server_time) {
    auto apart = *x.server_time - to.now;
    if (apart > clock_tolerance || apart < -clock_tolerance)
      return {mistake::clock,
              "The credentials were refused (HTTP 401), and the clocks "
              "differ: here it is "
                + minute_of(to.now) + ", at the server "
                + minute_of(*x.server_time)
                + ". Tokens need right clocks; correct the node's."};
  }
  return {mistake::credentials_refused, upper_first(to.what)
                                          + " refused the credentials (HTTP "
                                            "401)"
                                          + tail + " " + advice_for(kind)};
}

} // namespace

std::string minute_of(clock::time_point time) {
  auto seconds = clock::to_time_t(time);
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

trouble transfer_trouble(const http_target& to, const http_result& x) {
  if (x.connect_status != 0 && x.connect_status / 100 != 2)
    return proxy_trouble(to, x.connect_status);
  switch (x.curl_code) {
  case CURLE_COULDNT_RESOLVE_PROXY:
    return {mistake::proxy_unreachable,
            "The name of the proxy " + to.proxy
              + " can not be resolved. Check agent.pollingProxy.host."};
  case CURLE_COULDNT_RESOLVE_HOST:
    return {mistake::dns, "The name '" + to.host + "' of " + to.what
                            + " can not be resolved. Check " + to.setting
                            + " and the cluster's DNS."};
  case CURLE_COULDNT_CONNECT:
    return connect_trouble(to, x);
  case CURLE_OPERATION_TIMEDOUT:
    return timeout_trouble(to, x);
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_SSL_CIPHER:
    return tls_trouble(to, x);
  case CURLE_SSL_CACERT_BADFILE:
    return {mistake::ca_wrong,
            "The authorities to trust can not be used (" + one_line(x.detail)
              + "). Check agent.serverCertificate, and that the image has "
                "/etc/ssl/certs."};
  case CURLE_FILESIZE_EXCEEDED:
  case CURLE_WRITE_ERROR:
    return {mistake::answer_wrong,
            upper_first(to.what)
              + " sent an answer that is larger than any of an Octopus Server. "
                "Check "
              + to.setting + "."};
  default:
    break;
  }
  if (!x.connected && !to.proxy.empty())
    return connect_trouble(to, x);
  return {mistake::connection_cut,
          "The connection to " + to.what + " was cut before the answer ("
            + one_line(x.detail)
            + "). Check that the port speaks "
              "HTTP as the URL says, and what stands between."};
}

trouble status_trouble(const http_target& to, const http_result& x,
                       std::string_view call, credential_kind credentials,
                       std::optional<clock::time_point> expiry) {
  auto said = error_message(x.body);
  auto tail = said.empty() ? std::string{"."} : ": " + said;
  if (!said.empty() && !tail.ends_with('.'))
    tail += '.';
  auto http = "HTTP " + std::to_string(x.status);
  auto what = "Cannot " + std::string{call} + " (" + http + ")";
  if (x.status == 401)
    return refusal(to, x, credentials, expiry, tail);
  if (x.status == 403)
    return {mistake::not_permitted,
            what + tail
              + " The user of the credentials needs a role with WorkerEdit, "
                "WorkerView and MachinePolicyView in the space."};
  if (x.status >= 300 && x.status < 400)
    return {mistake::redirected,
            what + ": the server redirects to '" + one_line(x.location, 150)
              + "'. Credentials do not follow; set agent.serverUrl to the "
                "address that it leads to."};
  if (x.status == 404 || x.status == 405)
    return {mistake::not_octopus,
            what + tail + " There is no such resource at " + to.what
              + ". Check agent.serverUrl, above all the path in it."};
  if (x.status == 429 || x.status == 503)
    return {mistake::server_busy,
            what + tail
              + " The server starts, is in maintenance or is overloaded. Try "
                "again when it is up."};
  if (x.status >= 500)
    return {mistake::server_broken,
            what + tail
              + " Look into the server's log, or what stands before "
                "it."};
  return {mistake::refused, what + tail
                              + (said.empty() ? " The server gave no reason."
                                              : " Correct the value that it "
                                                "names.")};
}

token_times times_of_token(std::string_view token) {
  auto first = token.find('.');
  auto second
    = first == std::string_view::npos ? first : token.find('.', first + 1);
  token_times result;
  if (second == std::string_view::npos)
    return result;
  std::string part{token.substr(first + 1, second - first - 1)};
  for (auto& c : part)
    c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (part.size() % 4 != 0)
    part += '=';
  auto bytes = crypto::from_base64(part);
  if (!bytes)
    return result;
  auto claims
    = nlohmann::json::parse(bytes->begin(), bytes->end(), nullptr, false);
  auto time = [&](const char* name) -> std::optional<clock::time_point> {
    if (!claims.is_object() || !claims.contains(name)
        || !claims[name].is_number())
      return std::nullopt;
    auto seconds = claims[name].get<double>();
    // Beyond that a time point would overflow.
    if (!(seconds > 0 && seconds < 8e9))
      return std::nullopt;
    return clock::time_point{std::chrono::seconds{static_cast<long>(seconds)}};
  };
  result.not_before = time("nbf");
  result.expiry = time("exp");
  return result;
}

} // namespace cuttle::octopus
