#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <openssl/ssl.h>
#include <string>

#include "infra/crypto/identity.hpp"

namespace cuttle::halibut::test {

/// A blocking TLS peer that follows no protocol but its test: OpenSSL and
/// nothing of ours. Every wait is bounded; a failure shows as an empty answer.
class raw_peer {
public:
  using tune = std::function<void(SSL_CTX*)>;

  raw_peer(raw_peer&& other) noexcept;
  ~raw_peer();

  /// Dials `port` on loopback. Without identity it shows no certificate.
  static raw_peer dial(std::uint16_t port, const crypto::identity* self,
                       const tune& f = {});

  /// Plain TCP only.
  static raw_peer dial_plain(std::uint16_t port);

  /// Whether the TLS handshake succeeded.
  bool secure() const {
    return secure_;
  }

  SSL* tls() const {
    return ssl_;
  }

  void send(const std::string& bytes);
  void send_plain(const std::string& bytes);

  /// One TLS record for each byte.
  void send_slowly(const std::string& bytes);

  /// Exactly `size` bytes, or fewer at the end of the stream.
  std::string read(std::size_t size);
  std::string read_plain(std::size_t size);

  /// A line with its CR LF.
  std::string read_line();

  /// One deflated message, inflated byte by byte.
  std::string read_message();

  /// Everything up to the end of the stream.
  std::string read_all();

  /// Closes without a word; `reset` makes the system send RST.
  void close(bool reset = false);

private:
  friend class raw_listener;
  explicit raw_peer(int socket) : socket_(socket) {}
  void secure(bool server, const crypto::identity* self, const tune& f);

  int socket_ = -1;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  bool secure_ = false;
};

/// A port of loopback on which a test answers by hand.
class raw_listener {
public:
  raw_listener();
  ~raw_listener();
  raw_listener(const raw_listener&) = delete;
  raw_listener& operator=(const raw_listener&) = delete;

  std::uint16_t port() const {
    return port_;
  }

  /// The next connection, TLS made as a server with `self`.
  raw_peer accept(const crypto::identity& self, const raw_peer::tune& f = {});
  raw_peer accept_plain();

  /// TLS on a connection accepted before.
  static void secure(raw_peer& peer, const crypto::identity& self);

  /// A port on which nobody listens.
  static std::uint16_t dead_port();

private:
  int socket_;
  std::uint16_t port_;
};

/// The handshake of a server on a connection of the worker: what it sent.
std::string greet(raw_peer& worker);

} // namespace cuttle::halibut::test
