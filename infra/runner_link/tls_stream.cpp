#include "infra/runner_link/tls_stream.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>

namespace cuttle::runner_link {

namespace {

constexpr const char* suite = "TLS_AES_128_GCM_SHA256";

// The suite's two bytes on the wire (RFC 8446, B.4).
constexpr std::array<unsigned char, 2> suite_id{0x13, 0x01};

// -- a BIO over a socket that never raises SIGPIPE ----------------------------

int socket_of(BIO* bio) {
  // The number itself is the pointer.
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool again() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

int on_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  auto result = ::send(socket_of(bio), bytes, static_cast<std::size_t>(size),
                       MSG_NOSIGNAL);
  if (result < 0 && again())
    BIO_set_retry_write(bio);
  return static_cast<int>(result);
}

int on_read(BIO* bio, char* room, int size) {
  BIO_clear_retry_flags(bio);
  auto result = ::recv(socket_of(bio), room, static_cast<std::size_t>(size), 0);
  if (result == 0)
    errno = 0;
  else if (result < 0 && again())
    BIO_set_retry_read(bio);
  return static_cast<int>(result);
}

long on_control(BIO*, int what, long, void*) {
  return what == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* socket_method() {
  static auto* result = [] {
    auto* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
                                  | BIO_TYPE_DESCRIPTOR,
                                "runner link");
    if (method == nullptr || BIO_meth_set_write(method, on_write) != 1
        || BIO_meth_set_read(method, on_read) != 1
        || BIO_meth_set_ctrl(method, on_control) != 1)
      crypto::throw_openssl_error("make a kind of BIO");
    return method;
  }();
  return result;
}

tls_context make_context(const SSL_METHOD* method) {
  crypto::prepare_openssl();
  tls_context result{SSL_CTX_new(method)};
  auto* context = result.get();
  if (!result || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1
      || SSL_CTX_set_ciphersuites(context, suite) != 1)
    crypto::throw_openssl_error("make a TLS context");
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS
                              | SSL_MODE_ENABLE_PARTIAL_WRITE
                              | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // One call of the kernel for a record, not two.
  SSL_CTX_set_read_ahead(context, 1);
  return result;
}

} // namespace

tls_context make_worker_context(SSL_psk_find_session_cb_func find) {
  auto result = make_context(TLS_server_method());
  SSL_CTX_set_num_tickets(result.get(), 0);
  SSL_CTX_set_psk_find_session_callback(result.get(), find);
  return result;
}

tls_context make_runner_context(SSL_psk_use_session_cb_func use) {
  auto result = make_context(TLS_client_method());
  // A worker that shows a certificate instead of knowing the key is none.
  SSL_CTX_set_verify(result.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_psk_use_session_callback(result.get(), use);
  return result;
}

SSL_SESSION* make_psk_session(SSL* connection, crypto::byte_span key) {
  const auto* cipher = SSL_CIPHER_find(connection, suite_id.data());
  auto* result = SSL_SESSION_new();
  if (cipher == nullptr || result == nullptr
      || SSL_SESSION_set1_master_key(result, key.data(), key.size()) != 1
      || SSL_SESSION_set_cipher(result, cipher) != 1
      || SSL_SESSION_set_protocol_version(result, TLS1_3_VERSION) != 1) {
    SSL_SESSION_free(result);
    return nullptr;
  }
  return result;
}

tls_stream::tls_stream(SSL_CTX* context, int socket, bool server, void* owner)
  : ssl_(SSL_new(context)) {
  auto* bio = BIO_new(socket_method());
  if (!ssl_ || bio == nullptr)
    crypto::throw_openssl_error("make a TLS connection");
  BIO_set_data(bio,
               reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_ex_data(ssl_.get(), 0, owner);
  if (server)
    SSL_set_accept_state(ssl_.get());
  else
    SSL_set_connect_state(ssl_.get());
}

void* tls_stream::owner_of(const SSL* connection) {
  return SSL_get_ex_data(connection, 0);
}

progress tls_stream::handshake() {
  ERR_clear_error();
  auto result = judge(SSL_do_handshake(ssl_.get()));
  // Without the key there is no session to go on with.
  if (result == progress::done && SSL_session_reused(ssl_.get()) != 1) {
    error_ = "the peer did not use the pre-shared key";
    return progress::failed;
  }
  return result;
}

progress tls_stream::read(std::span<char> room, std::size_t& size) {
  ERR_clear_error();
  size = 0;
  return judge(SSL_read_ex(ssl_.get(), room.data(), room.size(), &size));
}

progress tls_stream::write(std::string_view bytes, std::size_t& size) {
  ERR_clear_error();
  size = 0;
  return judge(SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &size));
}

void tls_stream::close() {
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_.get()) == 1 && error_.empty())
    SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

progress tls_stream::judge(int result) {
  if (result == 1)
    return progress::done;
  auto reason = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
  case SSL_ERROR_WANT_READ:
    return progress::want_read;
  case SSL_ERROR_WANT_WRITE:
    return progress::want_write;
  case SSL_ERROR_ZERO_RETURN:
    error_ = "the peer closed the connection";
    return progress::closed;
  case SSL_ERROR_SYSCALL:
    // No error of the system: an end without a farewell.
    error_ = reason == 0 || reason == EAGAIN
               ? "the peer closed the connection without a farewell"
               : std::strerror(reason);
    return progress::closed;
  default:
    if (ERR_GET_REASON(ERR_peek_error())
        == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
      ERR_clear_error();
      error_ = "the peer closed the connection without a farewell";
      return progress::closed;
    }
    error_ = "TLS failed: " + crypto::take_openssl_error();
    return progress::failed;
  }
}

} // namespace cuttle::runner_link
