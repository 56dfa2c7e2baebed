#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "infra/sim/octopus_rest_certificate.hpp"
#include "messages/failure.hpp"

namespace cuttle::sim {

/// A request to the embedded REST API.
struct rest_request {
  std::string method;
  /// Path and query as they came.
  std::string target;
  /// By name in lower case.
  std::map<std::string, std::string> headers;
  std::string body;
};

/// Its answer.
struct rest_reply {
  int status = 200;
  std::string body;
  std::multimap<std::string, std::string> headers;
  std::string content_type = "application/json; charset=utf-8";
  /// Cut the connection instead, after everything was done.
  bool cut = false;
  /// Never answer.
  bool silent = false;
};

/// HTTP/1.1 over TLS on 127.0.0.1, on one thread. Thread-safe.
class octopus_rest_http {
public:
  /// `handle` is called on the server's thread and must not block.
  explicit octopus_rest_http(
    std::function<rest_reply(const rest_request&)> handle);
  ~octopus_rest_http();

  octopus_rest_http(const octopus_rest_http&) = delete;
  octopus_rest_http& operator=(const octopus_rest_http&) = delete;

  /// Listens on a free port, which it returns. Call once.
  outcome<std::uint16_t> start(const rest_certificate& certificate);

  /// Closes all connections and joins.
  void stop();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace cuttle::sim
