#include "benchmarks/hostile/peer.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cuttle::bench {

hostile_peer::hostile_peer(std::uint16_t port, unsigned address)
  : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + address);
  auto to = from;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  timeval limit{5, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  if (::bind(socket_, reinterpret_cast<sockaddr*>(&from), sizeof(from)) != 0
      || ::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof(to))
           != 0) {
    ::close(socket_);
    socket_ = -1;
  }
}

hostile_peer::~hostile_peer() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
  if (socket_ >= 0)
    ::close(socket_);
}

bool hostile_peer::secure(const crypto::identity* self) {
  context_ = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS);
  if (self) {
    SSL_CTX_use_certificate(context_, static_cast<X509*>(self->x509()));
    SSL_CTX_use_PrivateKey(context_,
                           static_cast<EVP_PKEY*>(self->private_key()));
  }
  ssl_ = SSL_new(context_);
  SSL_set_fd(ssl_, socket_);
  return SSL_connect(ssl_) == 1;
}

bool hostile_peer::plain(std::string_view bytes) {
  while (!bytes.empty()) {
    auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool hostile_peer::send(std::string_view bytes) {
  constexpr std::size_t most = 1 << 20;
  while (ssl_ && !bytes.empty()) {
    auto sent = SSL_write(ssl_, bytes.data(),
                          static_cast<int>(std::min(bytes.size(), most)));
    if (sent <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return ssl_ != nullptr;
}

bool hostile_peer::wait_for(std::string_view text) {
  std::string got;
  char c = 0;
  while (!got.ends_with(text)) {
    if (!ssl_ || SSL_read(ssl_, &c, 1) != 1)
      return false;
    got += c;
  }
  return true;
}

bool hostile_peer::wait_for_any() {
  char c = 0;
  return ssl_ && SSL_read(ssl_, &c, 1) == 1;
}

bool hostile_peer::cut() const {
  // What the victim wrote before its end is read away.
  char room[4'096];
  for (;;) {
    auto got = ::recv(socket_, room, sizeof(room), MSG_DONTWAIT);
    if (got <= 0)
      return got == 0 || (errno != EAGAIN && errno != EINTR);
  }
}

} // namespace cuttle::bench
