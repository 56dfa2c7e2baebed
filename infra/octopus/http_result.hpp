#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "infra/octopus/mistake.hpp"
#include "infra/octopus/tls_view.hpp"

namespace cuttle::octopus {

/// How one HTTP exchange ended, as far as a sentence about it needs.
struct http_result {
  /// libcurl's `CURLcode`; 0 when there was an answer.
  int curl_code = 0;
  /// Status of the answer; 0 without one.
  int status = 0;
  /// Status of a proxy's answer to CONNECT; 0 without proxy.
  int connect_status = 0;
  /// `errno` of the connection attempt.
  int os_error = 0;
  /// Whether the TCP connection was made.
  bool connected = false;
  /// Whether the request was sent, in part at least.
  bool sent = false;
  /// libcurl's own words; never holds credentials.
  std::string detail;
  std::string body;
  std::string location;
  /// The server's clock, from its `Date`.
  std::optional<std::chrono::system_clock::time_point> server_time;
  tls_view tls;
};

/// Whom an exchange was with, for its sentence.
struct http_target {
  /// Such as `the Octopus Server https://octopus.example.com`.
  std::string what;
  std::string host;
  std::uint16_t port = 443;
  /// `host:port` of the proxy; empty without.
  std::string proxy;
  /// Which value to look at, such as `agent.serverUrl`.
  std::string setting;
  /// Our own clock.
  std::chrono::system_clock::time_point now;
};

/// Why there is no answer; `curl_code` must not be 0.
trouble transfer_trouble(const http_target& to, const http_result& x);

/// Kind of the credentials in use.
enum class credential_kind : std::uint8_t { none, api_key, bearer, password };

/// Why an answer with that status is none; `call` names the request, such as
/// `list worker pools`. `token_expiry` is when the bearer token ends.
trouble
status_trouble(const http_target& to, const http_result& x,
               std::string_view call, credential_kind credentials,
               std::optional<std::chrono::system_clock::time_point> expiry);

/// What a bearer token that is a JWT says about its own time, without any check
/// of its signature. Nothing for other tokens.
struct token_times {
  std::optional<std::chrono::system_clock::time_point> not_before;
  std::optional<std::chrono::system_clock::time_point> expiry;
};
token_times times_of_token(std::string_view token);

/// `2026-11-23 17:05 UTC`.
std::string minute_of(std::chrono::system_clock::time_point time);

} // namespace cuttle::octopus
