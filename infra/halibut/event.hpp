#pragma once

// Internal: for the .cpp files of this folder.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>

namespace cuttle::halibut {

/// Something that one coroutine waits for and callbacks on the links' thread
/// announce. An announcement before the wait is not lost.
class event {
public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit event(boost::asio::io_context& context) : timer_(context) {}

  void notify() {
    set_ = true;
    timer_.cancel();
  }

  /// Waits for `notify`, at most until `until`; returns whether it came, and
  /// forgets it.
  boost::asio::awaitable<bool> wait(time_point until) {
    while (!set_ && std::chrono::steady_clock::now() < until) {
      boost::system::error_code ignored;
      timer_.expires_at(until);
      co_await timer_.async_wait(
        boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    }
    auto result = set_;
    set_ = false;
    co_return result;
  }

private:
  boost::asio::steady_timer timer_;
  bool set_ = false;
};

} // namespace cuttle::halibut
