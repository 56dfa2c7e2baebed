#pragma once

// Internal: for the .cpp files of this folder.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "infra/halibut/tls.hpp"
#include "messages/failure.hpp"

namespace cuttle::halibut {

template <class T>
using task = boost::asio::awaitable<outcome<T>>;

/// One TCP connection with TLS: bytes in and out, each wait with a deadline.
/// After a deadline, an error or `cut` every call fails. Belongs to the links'
/// thread; made with `std::make_shared`.
class transport : public std::enable_shared_from_this<transport> {
public:
  using tcp = boost::asio::ip::tcp;
  using clock = std::chrono::steady_clock;
  using time_point = clock::time_point;

  transport(boost::asio::io_context& context,
            boost::asio::ssl::context& tls_context);
  transport(tcp::socket socket, boost::asio::ssl::context& tls_context);

  tcp::socket& socket() {
    return stream_.next_layer();
  }

  SSL* tls() {
    return stream_.native_handle();
  }

  tls_trust& trust() {
    return trust_;
  }

  /// Keep-alive and no delay (`halibut` section 3); call once connected.
  void tune();

  /// Connects to `address`.
  task<void> connect(const tcp::endpoint& address, time_point until);

  /// Makes TLS of the plain connection. `server` is our side of it.
  task<void> handshake(bool server, time_point until);

  /// Keeps the buffers of TLS between two reads or writes instead of giving
  /// them back, some 35 KB: for a peer that is known and asks often.
  void keep_buffers();

  /// Plain bytes, before TLS only: writes all, reads one.
  task<void> write_plain(std::string_view bytes, time_point until);
  task<char> read_plain(time_point until);

  /// What was received and not consumed.
  std::span<const std::uint8_t> input() const {
    return {input_.data() + begin_, end_ - begin_};
  }

  void consume(std::size_t bytes) {
    begin_ += bytes;
  }

  /// Waits until there is some input. `what` completes "waited for".
  task<void> fill(time_point until, std::string_view what);

  /// Reads exactly as much as `bytes` holds, with `patience` for each read.
  task<void> read(std::span<std::uint8_t> bytes,
                  std::chrono::milliseconds patience);

  /// Writes all, with `patience` for each 256 KiB. The caller keeps the bytes.
  task<void> write(std::span<const std::uint8_t> bytes,
                   std::chrono::milliseconds patience);
  task<void> write(std::string_view text, std::chrono::milliseconds patience);

  /// Whether the peer's bytes may be on their way into a message, although
  /// `input` is empty.
  bool has_unread();

  /// Calls `f` once the socket can be read, also because its stream has ended.
  /// At most one look-out is under way; one that outlived its wait is used
  /// again, with the new function.
  void watch(std::function<void()> f);

  /// Whether the last failure was the peer's end of stream or reset.
  bool peer_closed() const {
    return peer_closed_;
  }

  /// Closes at once; every call fails with `reason`, the first one given.
  void cut(failure reason);

  /// Why `cut` was called, if so.
  const std::optional<failure>& cut_reason() const {
    return cut_;
  }

  /// Sends what is written and closes.
  void finish();

private:
  /// The watchdog of one wait.
  void arm(time_point until);
  void start_timer(time_point until);
  void on_timer();

  void close();

  /// Acknowledges what the peer may wait for.
  void acknowledge();

  failure describe(const boost::system::error_code& error,
                   std::string_view what);

  boost::asio::ssl::stream<tcp::socket> stream_;
  boost::asio::steady_timer timer_;
  time_point until_ = time_point::max();
  bool timer_runs_ = false;
  bool expired_ = false;
  /// Bytes came that no byte of ours has acknowledged.
  bool owes_answer_ = false;
  bool peer_closed_ = false;
  bool watched_ = false;
  std::function<void()> on_readable_;
  std::optional<failure> cut_;
  tls_trust trust_;
  std::vector<std::uint8_t> input_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

} // namespace cuttle::halibut
