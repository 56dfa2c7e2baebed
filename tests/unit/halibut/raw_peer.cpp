#include "raw_peer.hpp"

#include <arpa/inet.h>
#include <csignal>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <zlib.h>

#include "infra/halibut/inflater.hpp"

namespace cuttle::halibut::test {

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  result.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return result;
}

int make_socket() {
  auto result = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (result < 0)
    throw std::runtime_error{"no socket"};
  return result;
}

void bound(int socket) {
  // OpenSSL writes without MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  timeval limit{30, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

} // namespace

raw_peer::raw_peer(raw_peer&& other) noexcept
  : socket_(std::exchange(other.socket_, -1)),
    context_(std::exchange(other.context_, nullptr)),
    ssl_(std::exchange(other.ssl_, nullptr)),
    secure_(std::exchange(other.secure_, false)) {}

raw_peer::~raw_peer() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
  close();
}

raw_peer raw_peer::dial_plain(std::uint16_t port) {
  raw_peer result{make_socket()};
  auto address = loopback(port);
  if (::connect(result.socket_, reinterpret_cast<sockaddr*>(&address),
                sizeof(address))
      != 0)
    throw std::runtime_error{"cannot connect"};
  bound(result.socket_);
  return result;
}

raw_peer raw_peer::dial(std::uint16_t port, const crypto::identity* self,
                        const tune& f) {
  auto result = dial_plain(port);
  result.secure(false, self, f);
  return result;
}

void raw_peer::secure(bool server, const crypto::identity* self,
                      const tune& f) {
  context_ = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
  SSL_CTX_set_options(context_, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_cert_verify_callback(
    context_, [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
  if (server)
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  if (self) {
    SSL_CTX_use_certificate(context_, static_cast<X509*>(self->x509()));
    SSL_CTX_use_PrivateKey(context_,
                           static_cast<EVP_PKEY*>(self->private_key()));
  }
  if (f)
    f(context_);
  ssl_ = SSL_new(context_);
  SSL_set_fd(ssl_, socket_);
  secure_ = (server ? SSL_accept(ssl_) : SSL_connect(ssl_)) == 1;
}

void raw_peer::send(const std::string& bytes) {
  if (!bytes.empty())
    SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
}

void raw_peer::send_plain(const std::string& bytes) {
  if (::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0)
    throw std::runtime_error{"cannot send"};
}

void raw_peer::send_slowly(const std::string& bytes) {
  for (auto c : bytes)
    send(std::string(1, c));
}

std::string raw_peer::read(std::size_t size) {
  std::string result;
  char c;
  while (result.size() < size && SSL_read(ssl_, &c, 1) == 1)
    result += c;
  return result;
}

std::string raw_peer::read_plain(std::size_t size) {
  std::string result;
  char c;
  while (result.size() < size && ::recv(socket_, &c, 1, 0) == 1)
    result += c;
  return result;
}

std::string raw_peer::read_line() {
  std::string result;
  while (!result.ends_with("\r\n")) {
    auto c = read(1);
    if (c.empty())
      break;
    result += c;
  }
  return result;
}

std::string raw_peer::read_message() {
  inflater stream{halibut::limits{}};
  while (!stream.done()) {
    auto c = read(1);
    if (c.empty())
      return {};
    auto byte = static_cast<std::uint8_t>(c[0]);
    if (!stream.feed({&byte, 1}))
      return {};
  }
  auto document = stream.take();
  return {document.begin(), document.end()};
}

std::string raw_peer::read_all() {
  return read(std::string::npos);
}

void raw_peer::close(bool reset) {
  if (socket_ < 0)
    return;
  if (reset) {
    linger at_once{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  }
  ::close(std::exchange(socket_, -1));
}

raw_listener::raw_listener() : socket_(make_socket()) {
  auto address = loopback(0);
  socklen_t size = sizeof(address);
  if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0
      || ::listen(socket_, 16) != 0
      || ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size)
           != 0)
    throw std::runtime_error{"cannot listen"};
  port_ = ntohs(address.sin_port);
}

raw_listener::~raw_listener() {
  ::close(socket_);
}

raw_peer raw_listener::accept_plain() {
  pollfd wait{socket_, POLLIN, 0};
  if (::poll(&wait, 1, 30'000) != 1)
    throw std::runtime_error{"nobody connects"};
  raw_peer result{::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC)};
  bound(result.socket_);
  return result;
}

raw_peer raw_listener::accept(const crypto::identity& self,
                              const raw_peer::tune& f) {
  auto result = accept_plain();
  result.secure(true, &self, f);
  return result;
}

void raw_listener::secure(raw_peer& peer, const crypto::identity& self) {
  peer.secure(true, &self, {});
}

std::uint16_t raw_listener::dead_port() {
  raw_listener gone;
  return gone.port();
}

std::string greet(raw_peer& worker) {
  std::string result;
  for (int i = 0; i < 4; ++i)
    result += worker.read_line();
  worker.send("MX-SERVER 1.0\r\n\r\n");
  return result;
}

} // namespace cuttle::halibut::test
