#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "infra/octopus/http_result.hpp"

namespace cuttle::octopus {

/// An HTTP proxy, asked with CONNECT.
struct http_proxy {
  /// Empty: no proxy.
  std::string host;
  std::uint16_t port = 80;
  std::string username;
  std::string password;
};

/// Settings of an `http_client`.
struct http_options {
  http_proxy proxy;
  /// PEM of authorities to trust besides the system's.
  std::string ca_pem;
  /// Accept any certificate; for ports that are pinned by thumbprint.
  bool verify = true;
  std::chrono::milliseconds connect_timeout{5'000};
  /// One exchange.
  std::chrono::milliseconds request_timeout{15'000};
  std::size_t body_bytes = 16 * 1024 * 1024;
};

/// One request.
struct http_request {
  std::string method = "GET";
  std::string url;
  std::string body;
  /// Complete lines, such as `X-Octopus-ApiKey: …`.
  std::vector<std::string> headers;
  /// Use a new connection. libcurl by itself repeats a request when a
  /// connection that it had kept dies, whatever the request does.
  bool fresh = false;
};

/// A blocking HTTP client on one easy handle of libcurl, with one connection
/// that is kept and a cookie jar. It follows no redirect and heeds no proxy of
/// the environment. One thread at a time.
class http_client {
public:
  explicit http_client(http_options options);
  ~http_client();

  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  /// Blocks until the exchange has ended, at most `limit` and at most the
  /// options' own time.
  http_result send(const http_request& request,
                   std::chrono::milliseconds limit);

  /// Value of the first cookie whose name begins like that; empty without.
  std::string cookie(std::string_view prefix) const;

  /// `host:port` of the proxy; empty without.
  std::string proxy_name() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace cuttle::octopus
