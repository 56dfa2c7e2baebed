#pragma once

// Internal: the TLS of both ends of a runner's link, without a certificate and
// without an event loop.

#include <cstddef>
#include <memory>
#include <openssl/ssl.h>
#include <span>
#include <string>
#include <string_view>

#include "infra/crypto/cipher.hpp"
#include "infra/crypto/openssl.hpp"

namespace cuttle::runner_link {

using tls_context
  = std::unique_ptr<SSL_CTX, crypto::openssl_deleter<SSL_CTX_free>>;
using tls_connection = std::unique_ptr<SSL, crypto::openssl_deleter<SSL_free>>;

/// TLS 1.3 with `TLS_AES_128_GCM_SHA256` and external pre-shared keys alone: no
/// certificates, no tickets, no early data, no resumption. Throws on a broken
/// machine.
tls_context make_worker_context(SSL_psk_find_session_cb_func find);
tls_context make_runner_context(SSL_psk_use_session_cb_func use);

/// The session that carries a log key into a handshake, or nullptr.
SSL_SESSION* make_psk_session(SSL* connection, crypto::byte_span key);

/// How one step on a connection went.
enum class progress : std::uint8_t {
  done,
  /// The socket has to become readable, or writable, first.
  want_read,
  want_write,
  /// The peer closed or reset the connection.
  closed,
  /// `error` says what broke.
  failed,
};

/// TLS over a non-blocking socket, which it does not own. One thread at a time.
/// While nothing is under way a connection has no buffers.
class tls_stream {
public:
  /// `owner` is what `owner_of` returns in callbacks of the handshake.
  tls_stream(SSL_CTX* context, int socket, bool server, void* owner);

  static void* owner_of(const SSL* connection);

  /// Goes on with the handshake. `done` means that the peer proved the key.
  progress handshake();

  /// Reads at most one record; `size` says how many bytes.
  progress read(std::span<char> room, std::size_t& size);

  /// Writes at most one record from the front of `bytes`; after a `want_…` the
  /// next call has to begin with the same bytes.
  progress write(std::string_view bytes, std::size_t& size);

  /// Tells the peer that nothing more comes, if the socket takes it now.
  void close();

  /// What broke, for a sentence.
  const std::string& error() const {
    return error_;
  }

private:
  progress judge(int result);

  tls_connection ssl_;
  std::string error_;
};

} // namespace cuttle::runner_link
