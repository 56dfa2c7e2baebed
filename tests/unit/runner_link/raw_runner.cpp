#include "tests/unit/runner_link/raw_runner.hpp"

#include <arpa/inet.h>
#include <array>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace cuttle::runner_link::test {

namespace {

constexpr int limit = 60'000;

} // namespace

raw_runner::raw_runner(std::uint16_t port)
  : context_(make_runner_context(use_session)) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(port);
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&place),
                sizeof(place))
      != 0)
    throw std::runtime_error("not connected");
  ::fcntl(socket_, F_SETFL, ::fcntl(socket_, F_GETFL) | O_NONBLOCK);
}

raw_runner::~raw_runner() {
  if (socket_ >= 0)
    ::close(socket_);
}

int raw_runner::use_session(SSL* connection, const EVP_MD*,
                            const unsigned char** identity, std::size_t* size,
                            SSL_SESSION** result) {
  auto* self = static_cast<raw_runner*>(tls_stream::owner_of(connection));
  *result = make_psk_session(connection, self->key_.value);
  *identity = reinterpret_cast<const unsigned char*>(self->ticket_.data());
  *size = self->ticket_.size();
  return 1;
}

bool raw_runner::wait(progress step, int limit_ms) {
  if (step != progress::want_read && step != progress::want_write)
    return false;
  short events = step == progress::want_read ? POLLIN : POLLOUT;
  pollfd polled{socket_, events, 0};
  return ::poll(&polled, 1, limit_ms) > 0;
}

bool raw_runner::secure(const std::string& ticket, const crypto::log_key& key) {
  ticket_ = ticket;
  key_ = key;
  tls_.emplace(context_.get(), socket_, false, this);
  for (;;) {
    auto step = tls_->handshake();
    if (step == progress::done)
      return true;
    if (!wait(step, limit))
      return false;
  }
}

bool raw_runner::send(std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t size = 0;
    auto step = tls_->write(bytes, size);
    bytes.remove_prefix(size);
    if (step != progress::done && !wait(step, limit))
      return false;
  }
  return true;
}

bool raw_runner::send_plain(std::string_view bytes) {
  return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL)
         == static_cast<ssize_t>(bytes.size());
}

std::size_t raw_runner::send_until_stuck(std::string_view bytes) {
  constexpr int stuck_ms = 300;
  std::size_t result = 0;
  for (;;) {
    std::size_t size = 0;
    auto step = tls_->write(bytes, size);
    result += size;
    if (step != progress::done && !wait(step, stuck_ms))
      return result;
  }
}

std::optional<std::string> raw_runner::line() {
  for (;;) {
    while (!read_.empty() && read_.front() == '\n') {
      read_.erase(0, 1);
      ++signs_;
    }
    auto end = read_.find('\n');
    if (end != std::string::npos) {
      auto result = read_.substr(0, end);
      read_.erase(0, end + 1);
      return result;
    }
    std::array<char, 4096> room;
    std::size_t size = 0;
    auto step = tls_->read(room, size);
    read_.append(room.data(), size);
    if (step != progress::done && !wait(step, limit))
      return std::nullopt;
  }
}

bool raw_runner::ended() {
  std::array<char, 4096> room;
  for (;;) {
    std::size_t size = 0;
    auto step = tls_ ? tls_->read(room, size) : progress::want_read;
    if (!tls_) {
      if (!wait(step, limit))
        return false;
      if (::recv(socket_, room.data(), room.size(), 0) <= 0)
        return true;
    } else if (step == progress::closed || step == progress::failed) {
      return true;
    } else if (step != progress::done && !wait(step, limit)) {
      return false;
    }
  }
}

void raw_runner::reset() {
  linger hard{1, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  ::close(socket_);
  socket_ = -1;
}

void raw_runner::close() {
  tls_->close();
  ::close(socket_);
  socket_ = -1;
}

} // namespace cuttle::runner_link::test
