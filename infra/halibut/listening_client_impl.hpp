#pragma once

// Internal: for the .cpp files of this folder.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "infra/halibut/call_queue.hpp"
#include "infra/halibut/client_base.hpp"
#include "infra/halibut/event.hpp"
#include "infra/halibut/exchange.hpp"
#include "infra/halibut/listening_client.hpp"
#include "infra/halibut/transport.hpp"

namespace cuttle::halibut {

/// A connection that we made: of a call, or at rest between two.
struct dialled_link {
  explicit dialled_link(boost::asio::io_context& context) : rest(context) {}

  std::shared_ptr<transport> link;
  std::optional<exchange> wire;
  /// Ends its time in the pool.
  boost::asio::steady_timer rest;
};

/// A worker with its pool.
struct dialled_worker {
  worker_endpoint where;
  std::string uri;
  /// Calls beyond the limit of connections.
  call_queue waiting;
  /// At rest, the one that was used last at the end.
  std::deque<std::shared_ptr<dialled_link>> pool;
  /// Calls under way.
  std::size_t busy = 0;
  /// Another one took its place, or none.
  bool gone = false;
};

/// A call under way.
struct dialled_call {
  explicit dialled_call(boost::asio::io_context& context) : wake(context) {}

  std::shared_ptr<pending_call> call;
  std::shared_ptr<dialled_worker> worker;
  /// Ends a pause or a wait for a host name early.
  event wake;
  std::shared_ptr<dialled_link> link;
  /// Nobody waits for it any more, and why.
  std::optional<failure> over;
};

struct listening_client::impl : client_base {
  impl(io_thread& thread, disk::disk_pool& pool, crypto::identity own,
       listening_client::options opts);

  const listening_client::options options;

  // Everything below is touched on the links' thread only.
  std::optional<boost::asio::ssl::context> tls;
  std::map<std::string, std::shared_ptr<dialled_worker>> workers;
  std::set<std::shared_ptr<dialled_call>> calls;
  transport::time_point paused_until;

  std::shared_ptr<impl> shared() {
    return std::static_pointer_cast<impl>(shared_from_this());
  }

  void add(worker_endpoint worker);
  void remove(const std::string& uri);
  void retire(dialled_worker& worker);
  void enqueue(const std::string& uri, std::shared_ptr<pending_call> call);
  void begin(const std::shared_ptr<dialled_worker>& worker,
             std::shared_ptr<pending_call> call);
  void withdraw(std::uint64_t number);
  void give_up(dialled_call& x, const failure& reason);
  void pause(std::chrono::milliseconds how_long);
  void stop() override;

  boost::asio::awaitable<void> run(std::shared_ptr<dialled_call> x);
  task<void> transact(dialled_call& x);
  task<void> connect(dialled_call& x);
  task<bool> resume(dialled_call& x);
  task<void> open(dialled_call& x);
  task<void> await_end_of_pause(dialled_call& x);

  void rest(const std::shared_ptr<dialled_worker>& worker,
            const std::shared_ptr<dialled_link>& link);
  std::shared_ptr<dialled_link> take(dialled_worker& worker);
  boost::asio::awaitable<void> say_end(std::shared_ptr<dialled_link> link);
  void empty_pool(dialled_worker& worker);
};

} // namespace cuttle::halibut
