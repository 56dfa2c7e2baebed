#pragma once

// Internal: for the .cpp files of this folder.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>

#include "messages/failure.hpp"

namespace cuttle::sim {

using tls_stream = boost::asio::ssl::stream<boost::beast::tcp_stream>;

/// Completions as values instead of exceptions.
inline constexpr auto as_values
  = boost::asio::as_tuple(boost::asio::use_awaitable);

/// Listens on a free port of 127.0.0.1 with TLS, on a thread of its own: what
/// the embedded servers that speak HTTP have in common.
struct tls_listener {
  using tcp = boost::asio::ip::tcp;

  /// `name` is that of the thread, at most 15 characters.
  explicit tls_listener(const char* name) : thread_name(name) {}

  ~tls_listener() {
    stop();
  }

  tls_listener(const tls_listener&) = delete;
  tls_listener& operator=(const tls_listener&) = delete;

  /// Listens, and runs what `accept` makes on the thread; returns the port.
  /// Call once.
  outcome<std::uint16_t>
  start(const std::string& certificate_pem, const std::string& key_pem,
        int backlog,
        const std::function<boost::asio::awaitable<void>()>& accept);

  /// Drops what runs, and joins; nothing starts again.
  void stop();

  const char* thread_name;
  boost::asio::ssl::context tls{boost::asio::ssl::context::tls_server};
  boost::asio::io_context io{1};
  tcp::acceptor acceptor{io};
  std::thread thread;

private:
  void run();
};

/// A whole answer of HTTP/1.1.
struct http_answer {
  int status = 200;
  std::string content_type;
  std::multimap<std::string, std::string> headers;
  std::string body;
};

/// Sends it; whether that worked.
boost::asio::awaitable<bool> send_answer(tls_stream& stream, http_answer answer,
                                         bool keep);

} // namespace cuttle::sim
