#pragma once

// Internal: for the .cpp files of drivers that serve HTTP on the links' thread.

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "infra/halibut/io_thread.hpp"
#include "messages/failure.hpp"

namespace cuttle::halibut {

class io_gate;
class listener;

} // namespace cuttle::halibut

namespace cuttle::http_server {

/// One client's connection.
struct session {
  explicit session(boost::asio::ip::tcp::socket socket)
    : stream(std::move(socket)) {}
  boost::beast::tcp_stream stream;
  /// Whether a request has begun and its response is not yet written.
  bool serving = false;
};

using session_ptr = std::shared_ptr<session>;

/// Listens, and keeps a bounded number of connections: when a further one
/// comes, the oldest without a request in hand is closed for it, so that nobody
/// who only holds a connection keeps others out; where all have one, the new
/// one is refused.
class sessions : public std::enable_shared_from_this<sessions> {
public:
  /// Speaks with one client until its connection is to end; on the links'
  /// thread.
  using serve_function
    = std::function<boost::asio::awaitable<void>(session_ptr)>;

  /// `name` begins the names of log lines, such as `page` for
  /// `page-accept-failed`.
  sessions(halibut::io_thread& thread, std::size_t most, std::string name);
  ~sessions();

  /// Binds; returns the port. Port 0 lets the system choose. Fails with a
  /// phrase such as "cannot listen on ::1 port 80: …".
  outcome<std::uint16_t> bind(const std::string& address, std::uint16_t port);

  /// Serves from now on; once, after `bind`.
  void start(serve_function serve);

  /// Accepts nobody more and closes what is open; from any thread.
  void close();

  /// From any thread.
  bool closed() const {
    return closed_;
  }

  boost::asio::io_context& context() {
    return context_;
  }

  /// The way to the links' thread for completions from other threads.
  const std::shared_ptr<halibut::io_gate>& gate() const {
    return gate_;
  }

private:
  void admit(boost::asio::ip::tcp::socket socket);

  boost::asio::io_context& context_;
  std::shared_ptr<halibut::io_gate> gate_;
  const std::size_t most_;
  const std::string name_;
  std::atomic<bool> closed_ = false;
  // On the links' thread, once it listens.
  std::unique_ptr<halibut::listener> listener_;
  serve_function serve_;
  std::list<session_ptr> open_;
};

/// A `serve_function` that calls `serve` of `owner`, without keeping it alive
/// between connections.
template <class T>
sessions::serve_function
while_it_lives(std::weak_ptr<T> owner,
               boost::asio::awaitable<void> (T::*serve)(session_ptr)) {
  return [owner = std::move(owner),
          serve](session_ptr client) -> boost::asio::awaitable<void> {
    if (auto self = owner.lock())
      co_await (self.get()->*serve)(std::move(client));
  };
}

/// Posts a job to the links' thread.
void post(halibut::io_gate& gate, std::function<void()> job);

/// A value that another thread will deliver to a coroutine on the links'
/// thread. Made and awaited there.
template <class T>
class promised : public std::enable_shared_from_this<promised<T>> {
public:
  explicit promised(boost::asio::io_context& context) : timer_(context) {
    timer_.expires_at(boost::asio::steady_timer::time_point::max());
  }

  /// What delivers the value: from any thread, only the first call counts. It
  /// may be kept for longer than the loop or the coroutine lives.
  std::function<void(T)> deliverer(std::shared_ptr<halibut::io_gate> gate) {
    return [to = std::move(gate), weak = this->weak_from_this()](T value) {
      post(*to, [weak, value = std::move(value)]() mutable {
        auto self = weak.lock();
        if (!self || self->value_)
          return;
        self->value_ = std::move(value);
        self->timer_.cancel();
      });
    };
  }

  /// The value, or nothing when it has not come within `patience`. The caller
  /// keeps this object meanwhile.
  boost::asio::awaitable<std::optional<T>>
  wait(std::chrono::milliseconds patience) {
    timer_.expires_after(patience);
    boost::system::error_code ignored;
    if (!value_)
      co_await timer_.async_wait(
        boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    co_return std::move(value_);
  }

private:
  boost::asio::steady_timer timer_;
  std::optional<T> value_;
};

} // namespace cuttle::http_server
