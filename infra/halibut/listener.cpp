#include "infra/halibut/listener.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <fcntl.h>
#include <utility>

#include "infra/halibut/tls.hpp"

namespace cuttle::halibut {

namespace asio = boost::asio;

using boost::system::error_code;
using clock = std::chrono::steady_clock;

namespace {

/// After a failure to accept or to listen again.
constexpr std::chrono::milliseconds breather{100};

} // namespace

outcome<std::uint16_t> listener::open(const std::string& address,
                                      std::uint16_t port) {
  error_code error;
  auto parsed = asio::ip::make_address(address, error);
  if (error)
    return fail(errc::invalid_request,
                "\"" + address + "\" is no IP address to listen on");
  place_ = {parsed, port};
  auto listening = listen();
  if (!listening)
    return tl::unexpected(listening.error());
  return place_.port();
}

outcome<std::uint16_t> listener::open(const std::string& address,
                                      std::uint16_t port,
                                      const crypto::identity& self,
                                      std::optional<asio::ssl::context>& tls) {
  auto context = make_acceptor_context(self);
  if (!context)
    return tl::unexpected(context.error());
  auto opened = open(address, port);
  if (opened)
    tls.emplace(context->release());
  return opened;
}

outcome<void> listener::listen() {
  error_code error;
  acceptor_.open(place_.protocol(), error);
  // A child process that inherits the socket would keep the port busy.
  if (!error)
    ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);
  if (!error)
    acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && place_.address().is_v6())
    acceptor_.set_option(asio::ip::v6_only(false), error);
  if (!error)
    acceptor_.bind(place_, error);
  if (!error)
    acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    error_code ignored;
    acceptor_.close(ignored);
    return fail(errc::unavailable,
                "cannot listen on " + place_.address().to_string() + " port "
                  + std::to_string(place_.port()) + ": " + error.message());
  }
  place_ = acceptor_.local_endpoint(error);
  return {};
}

asio::awaitable<void>
listener::accept(std::function<void(tcp::socket)> on_socket,
                 std::function<void(const failure&)> on_trouble) {
  while (!closed_) {
    if (!acceptor_.is_open()) {
      co_await wake_.wait(paused_until_);
      if (closed_ || clock::now() < paused_until_)
        continue;
      auto again = listen();
      if (!again) {
        on_trouble(again.error());
        paused_until_ = clock::now() + breather;
      }
      continue;
    }
    error_code error;
    tcp::socket socket{acceptor_.get_executor()};
    co_await acceptor_.async_accept(
      socket, asio::redirect_error(asio::use_awaitable, error));
    if (closed_)
      break;
    if (!acceptor_.is_open())
      continue;
    if (error) {
      on_trouble({errc::unavailable,
                  "a connection cannot be accepted: " + error.message()});
      co_await wake_.wait(clock::now() + breather);
    } else {
      on_socket(std::move(socket));
    }
  }
}

void listener::pause(std::chrono::milliseconds how_long) {
  if (closed_)
    return;
  paused_until_ = clock::now() + how_long;
  error_code ignored;
  acceptor_.close(ignored);
}

void listener::close() {
  closed_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  wake_.notify();
}

} // namespace cuttle::halibut
