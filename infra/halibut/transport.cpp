#include "infra/halibut/transport.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>
#include <utility>

namespace cuttle::halibut {

namespace asio = boost::asio;

using boost::system::error_code;

namespace {

/// One TLS record and a little.
constexpr std::size_t input_bytes = 17 * 1'024;

/// What one deadline of a write covers.
constexpr std::size_t write_bytes = 256 * 1'024;

void set_option(int socket, int level, int name, int value) {
  // Best effort: a kernel without the option works too.
  ::setsockopt(socket, level, name, &value, sizeof(value));
}

/// Whether the bytes that wait for TLS begin with a whole record.
bool has_record(BIO* input) {
  constexpr int header = 5;
  char* data = nullptr;
  auto size = BIO_nread0(input, &data);
  if (size < header)
    return false;
  auto byte = [data](int i) { return static_cast<unsigned char>(data[i]); };
  return size >= header + (byte(3) << 8 | byte(4));
}

} // namespace

transport::transport(asio::io_context& context, asio::ssl::context& tls_context)
  : stream_(context, tls_context), timer_(context) {
  set_trust(tls(), trust_);
}

transport::transport(tcp::socket socket, asio::ssl::context& tls_context)
  : stream_(std::move(socket), tls_context), timer_(stream_.get_executor()) {
  set_trust(tls(), trust_);
}

void transport::tune() {
  auto fd = socket().native_handle();
  // Asio does not; a child process would keep the connection open.
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 10);
}

task<void> transport::connect(const tcp::endpoint& address, time_point until) {
  if (cut_)
    co_return tl::unexpected(*cut_);
  error_code error;
  socket().close(error);
  expired_ = false;
  arm(until);
  co_await socket().async_connect(
    address, asio::redirect_error(asio::use_awaitable, error));
  until_ = time_point::max();
  if (error)
    co_return tl::unexpected(describe(error, "the connection"));
  tune();
  co_return outcome<void>{};
}

task<void> transport::handshake(bool server, time_point until) {
  if (cut_)
    co_return tl::unexpected(*cut_);
  error_code error;
  arm(until);
  owes_answer_ = true;
  acknowledge();
  co_await stream_.async_handshake(
    server ? asio::ssl::stream_base::server : asio::ssl::stream_base::client,
    asio::redirect_error(asio::use_awaitable, error));
  until_ = time_point::max();
  if (error)
    co_return tl::unexpected(describe(error, "the TLS handshake"));
  co_return outcome<void>{};
}

void transport::keep_buffers() {
  SSL_clear_mode(tls(), SSL_MODE_RELEASE_BUFFERS);
}

task<void> transport::write_plain(std::string_view bytes, time_point until) {
  if (cut_)
    co_return tl::unexpected(*cut_);
  error_code error;
  arm(until);
  co_await asio::async_write(socket(), asio::buffer(bytes),
                             asio::redirect_error(asio::use_awaitable, error));
  until_ = time_point::max();
  if (error)
    co_return tl::unexpected(describe(error, "the proxy to take our request"));
  co_return outcome<void>{};
}

task<char> transport::read_plain(time_point until) {
  if (cut_)
    co_return tl::unexpected(*cut_);
  error_code error;
  char result = 0;
  arm(until);
  co_await socket().async_read_some(
    asio::buffer(&result, 1), asio::redirect_error(asio::use_awaitable, error));
  until_ = time_point::max();
  if (error)
    co_return tl::unexpected(describe(error, "the proxy's answer"));
  co_return result;
}

task<void> transport::fill(time_point until, std::string_view what) {
  if (begin_ < end_)
    co_return outcome<void>{};
  if (cut_)
    co_return tl::unexpected(*cut_);
  if (input_.empty())
    input_.resize(input_bytes);
  begin_ = 0;
  end_ = 0;
  error_code error;
  arm(until);
  acknowledge();
  end_ = co_await stream_.async_read_some(
    asio::buffer(input_), asio::redirect_error(asio::use_awaitable, error));
  until_ = time_point::max();
  owes_answer_ = true;
  if (error) {
    end_ = 0;
    co_return tl::unexpected(describe(error, what));
  }
  co_return outcome<void>{};
}

task<void> transport::read(std::span<std::uint8_t> bytes,
                           std::chrono::milliseconds patience) {
  auto ready = std::min(bytes.size(), end_ - begin_);
  if (ready > 0)
    std::memcpy(bytes.data(), input_.data() + begin_, ready);
  consume(ready);
  bytes = bytes.subspan(ready);
  for (auto first = true; !bytes.empty(); first = false) {
    if (cut_)
      co_return tl::unexpected(*cut_);
    error_code error;
    arm(clock::now() + patience);
    // In the midst of many bytes nothing is held back.
    if (first || bytes.size() <= input_bytes)
      acknowledge();
    auto size = co_await stream_.async_read_some(
      asio::buffer(bytes.data(), bytes.size()),
      asio::redirect_error(asio::use_awaitable, error));
    until_ = time_point::max();
    owes_answer_ = true;
    if (error)
      co_return tl::unexpected(describe(error, "the rest of a data stream"));
    bytes = bytes.subspan(size);
  }
  co_return outcome<void>{};
}

task<void> transport::write(std::span<const std::uint8_t> bytes,
                            std::chrono::milliseconds patience) {
  while (!bytes.empty()) {
    if (cut_)
      co_return tl::unexpected(*cut_);
    auto piece = bytes.first(std::min(bytes.size(), write_bytes));
    error_code error;
    arm(clock::now() + patience);
    co_await asio::async_write(
      stream_, asio::buffer(piece.data(), piece.size()),
      asio::redirect_error(asio::use_awaitable, error));
    until_ = time_point::max();
    owes_answer_ = false;
    if (error)
      co_return tl::unexpected(describe(error, "the peer to take our data"));
    bytes = bytes.subspan(piece.size());
  }
  co_return outcome<void>{};
}

task<void> transport::write(std::string_view text,
                            std::chrono::milliseconds patience) {
  auto bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  return write(std::span<const std::uint8_t>{bytes, text.size()}, patience);
}

/// Before a wait: the peer's Nagle may hold back what we wait for until the
/// last bytes are acknowledged, and we have nothing to send that could carry
/// it. The option wears off (`halibut` section 3).
void transport::acknowledge() {
  if (owes_answer_ && SSL_has_pending(tls()) == 0
      && !has_record(SSL_get_rbio(tls())))
    set_option(socket().native_handle(), IPPROTO_TCP, TCP_QUICKACK, 1);
}

bool transport::has_unread() {
  error_code error;
  return begin_ < end_ || SSL_has_pending(tls()) == 1
         || BIO_ctrl_pending(SSL_get_rbio(tls())) > 0
         || socket().available(error) > 0;
}

void transport::watch(std::function<void()> f) {
  on_readable_ = std::move(f);
  if (std::exchange(watched_, true))
    return;
  socket().async_wait(tcp::socket::wait_read,
                      [weak = weak_from_this()](const error_code& error) {
                        auto self = weak.lock();
                        if (!self)
                          return;
                        self->watched_ = false;
                        if (!error && self->on_readable_)
                          self->on_readable_();
                      });
}

void transport::cut(failure reason) {
  if (cut_)
    return;
  cut_ = std::move(reason);
  close();
}

void transport::finish() {
  if (cut_)
    return;
  cut_ = failure{errc::cancelled, "the connection is closed"};
  error_code ignored;
  socket().shutdown(tcp::socket::shutdown_send, ignored);
  close();
}

void transport::arm(time_point until) {
  until_ = until;
  // A timer that fires early looks again; so most waits need not touch it.
  if (!timer_runs_ || until < timer_.expiry())
    start_timer(until);
}

void transport::start_timer(time_point until) {
  timer_runs_ = true;
  timer_.expires_at(until);
  timer_.async_wait([weak = weak_from_this()](const error_code& error) {
    auto self = weak.lock();
    if (!error && self)
      self->on_timer();
  });
}

void transport::on_timer() {
  timer_runs_ = false;
  if (until_ == time_point::max())
    return;
  if (clock::now() < until_) {
    start_timer(until_);
    return;
  }
  expired_ = true;
  close();
}

void transport::close() {
  error_code ignored;
  socket().close(ignored);
}

failure transport::describe(const error_code& error, std::string_view what) {
  if (cut_)
    return *cut_;
  failure result;
  if (expired_) {
    result
      = {errc::deadline_exceeded, "timed out waiting for " + std::string{what}};
  } else if (error == asio::error::eof
             || error == asio::ssl::error::stream_truncated) {
    peer_closed_ = true;
    result = {errc::unavailable, "the peer closed the connection while we "
                                 "waited for "
                                   + std::string{what}};
  } else if (error == asio::error::connection_reset
             || error == asio::error::broken_pipe) {
    peer_closed_ = true;
    result = {errc::unavailable, "the peer reset the connection while we "
                                 "waited for "
                                   + std::string{what}};
  } else if (error.category() == asio::error::get_ssl_category()) {
    result
      = {errc::protocol_error, "TLS failed while we waited for "
                                 + std::string{what} + ": " + error.message()};
  } else {
    result = {errc::unavailable, error.message()};
  }
  return result;
}

} // namespace cuttle::halibut
