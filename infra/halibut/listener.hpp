#pragma once

// Internal: for the .cpp files of this folder.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "infra/crypto/identity.hpp"
#include "infra/halibut/event.hpp"
#include "messages/failure.hpp"

namespace cuttle::halibut {

/// Accepts connections on one address. After `open` it belongs to the links'
/// thread.
class listener {
public:
  using tcp = boost::asio::ip::tcp;

  explicit listener(boost::asio::io_context& context)
    : acceptor_(context), wake_(context) {}

  /// Binds and listens on an address such as `0.0.0.0` or `::` (which takes
  /// IPv4 as well); port 0 lets the system choose. Returns the port.
  outcome<std::uint16_t> open(const std::string& address, std::uint16_t port);

  /// The same, and makes the TLS context of those who are accepted.
  outcome<std::uint16_t> open(const std::string& address, std::uint16_t port,
                              const crypto::identity& self,
                              std::optional<boost::asio::ssl::context>& tls);

  /// Hands over connections until `close`; call once. A failure to accept is
  /// told and followed by a short pause.
  boost::asio::awaitable<void>
  accept(std::function<void(tcp::socket)> on_socket,
         std::function<void(const failure&)> on_trouble);

  /// Refuses connections for that long.
  void pause(std::chrono::milliseconds how_long);

  void close();

private:
  outcome<void> listen();

  tcp::acceptor acceptor_;
  event wake_;
  /// Where to listen, with the port that the system chose.
  tcp::endpoint place_;
  std::chrono::steady_clock::time_point paused_until_;
  bool closed_ = false;
};

} // namespace cuttle::halibut
