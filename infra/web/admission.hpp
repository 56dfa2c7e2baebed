#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cuttle::web {

/// What a request says of itself before its body. Empty: it does not say it.
struct request_head {
  std::string method;
  /// Without the query.
  std::string path;
  std::string host;
  std::string origin;
  /// `Sec-Fetch-Site`.
  std::string fetch_site;
  std::string content_type;
  /// `X-Cuttle-Token`.
  std::string token;
};

/// Who may ask.
struct admission_rules {
  std::uint16_t port = 0;
  std::string token;
};

/// Why a request is not let in: a status of HTTP and a sentence.
struct refusal {
  int status = 403;
  std::string text;
};

/// Where calls go; everything else is a file.
inline constexpr std::string_view call_prefix = "/api/";

/// Decides whether a request may be looked at further. Anybody on this machine
/// can connect, and any page in the user's browser can make it send requests;
/// so
/// * `Host` must be this machine's loopback by number or as `localhost`, with
///   the port, which keeps out names that were bound anew to 127.0.0.1;
/// * a call is a POST of JSON with our own `Origin`, and with the token in a
///   header that no other page can set without being asked for leave, which
///   nobody gives;
/// * a file is got with GET or HEAD; files hold nothing that is secret.
std::optional<refusal> refuse(const request_head& head,
                              const admission_rules& rules);

} // namespace cuttle::web
