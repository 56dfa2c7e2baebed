#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "infra/kubernetes/api_client.hpp"

namespace cuttle::kubernetes::test {

/// One request as the server read it.
struct seen_request {
  std::string method;
  std::string target;
  /// Names in lower case.
  std::map<std::string, std::string> headers;
  std::string body;
  /// Number of the connection, from 1 on.
  int connection = 0;
};

/// The server's side of one request. Used on the connection's thread.
class exchange {
public:
  virtual ~exchange() = default;

  /// A whole answer.
  virtual void respond(int status, std::string_view body,
                       std::string_view extra_headers = {})
    = 0;

  /// Begins an answer in pieces. All return false once the peer is gone.
  virtual bool begin(int status = 200) = 0;
  virtual bool piece(std::string_view bytes) = 0;
  virtual bool finish() = 0;

  /// Ends the connection without an end of the answer.
  virtual void cut() = 0;

  /// Blocks until the peer closes or the server is destroyed.
  virtual void wait_for_close() = 0;

  /// Called when the peer takes nothing for a while.
  std::function<void()> on_stall;
};

/// An HTTP/1.1 server over TLS on a free port of loopback, with a certificate
/// of its own, that answers as the test's function says. A thread for each
/// connection.
class scripted_server {
public:
  using handler = std::function<void(const seen_request&, exchange&)>;

  explicit scripted_server(handler f, std::uint16_t port = 0);
  ~scripted_server();

  scripted_server(const scripted_server&) = delete;
  scripted_server& operator=(const scripted_server&) = delete;

  std::uint16_t port() const;

  /// Namespace `ns`, the server's own CA, token `secret-token`.
  access where() const;

  /// Requests so far that begin with `METHOD path`.
  int count(std::string_view beginning);
  std::vector<seen_request> requests();

  /// Makes blocked handlers return: the server is about to end.
  bool stopping() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// A port of loopback on which nobody listens.
std::uint16_t free_port();

} // namespace cuttle::kubernetes::test
