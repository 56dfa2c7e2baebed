#pragma once

// Internal: for the .cpp files of this folder.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "infra/halibut/answering.hpp"
#include "infra/halibut/backoff.hpp"
#include "infra/halibut/event.hpp"
#include "infra/halibut/exchange.hpp"
#include "infra/halibut/io_thread_impl.hpp"
#include "infra/halibut/polling_service.hpp"
#include "infra/halibut/transport.hpp"

namespace cuttle::halibut {

/// Why a link ends when the worker stops.
inline failure worker_stops() {
  return {errc::cancelled, "the worker stops"};
}

/// One of the N connections, for as long as the service lives.
struct service_link {
  service_link(boost::asio::io_context& context, unsigned x)
    : number(x), wake(context) {}

  const unsigned number;
  /// Ends a pause, a wait for a reply or for a host name early.
  event wake;
  /// The link of now, if any.
  std::shared_ptr<transport> link;
  /// Whether it waits for the first byte of a message.
  bool idle = false;
  /// Whether the server has identified itself.
  bool identified = false;
};

struct polling_service::impl : std::enable_shared_from_this<impl> {
  impl(io_thread& thread, disk::disk_pool& pool, crypto::identity own,
       server_endpoint node, polling_options opts, service_callbacks calls);

  io_thread::impl& io;
  disk::disk_pool& disk;
  const crypto::identity self;
  const server_endpoint server;
  const polling_options options;

  // Everything below is touched on the links' thread only.
  service_callbacks callbacks;
  std::optional<boost::asio::ssl::context> tls;
  std::vector<std::unique_ptr<service_link>> links;
  std::size_t running = 0;
  bool stopping = false;
  /// The owner is gone: no callback any more.
  bool abandoned = false;
  const answering requests{io, options.limits, callbacks, abandoned,
                           server.name()};
  boost::asio::steady_timer patience;
  std::vector<std::function<void()>> on_ended;
  std::string logged;
  std::chrono::steady_clock::time_point logged_at{};

  unsigned link_count() const;
  void start();
  void stop(std::chrono::milliseconds grace, std::function<void()> done);
  void cut_all(const failure& reason);
  void ended();

  boost::asio::awaitable<void> run(service_link& x);
  task<void> transact(service_link& x, backoff& pauses);
  task<void> identify(exchange& wire);
  task<void> serve(service_link& x, exchange& wire);

  void tell(const link_event& event);
  void log_trouble(const failure& reason, std::chrono::milliseconds retry_in);
};

} // namespace cuttle::halibut
