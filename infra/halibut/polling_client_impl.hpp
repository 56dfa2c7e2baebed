#pragma once

// Internal: for the .cpp files of this folder.

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "infra/halibut/envelope.hpp"
#include "infra/halibut/event.hpp"
#include "infra/halibut/exchange.hpp"
#include "infra/halibut/io_thread_impl.hpp"
#include "infra/halibut/listener.hpp"
#include "infra/halibut/polling_client.hpp"
#include "infra/halibut/transport.hpp"

namespace cuttle::halibut {

/// A call from its queueing to its end.
struct pending_call {
  explicit pending_call(boost::asio::io_context& context) : timer(context) {}

  std::string id;
  std::uint64_t number = 0;
  guid activity{};
  outgoing_request request;
  std::function<void(call_result)> on_result;
  /// Limits the time in the queue.
  boost::asio::steady_timer timer;
};

/// One accepted connection.
struct worker_link {
  explicit worker_link(boost::asio::io_context& context) : wake(context) {}

  event wake;
  /// In the order of acceptance.
  std::uint64_t number = 0;
  std::shared_ptr<transport> link;
  /// Empty until authorised.
  std::string thumbprint;
  /// A look-out for bytes or the end of the stream is under way.
  bool watched = false;
  /// It reported that the socket can be read.
  bool readable = false;
  /// Number of the call that it performs, or 0.
  std::uint64_t call = 0;
};

/// The queue of one subscription, and who waits at it.
struct subscription_queue {
  std::deque<std::shared_ptr<pending_call>> calls;
  std::list<worker_link*> waiting;
  std::size_t links = 0;
};

/// The subscription as a key: lower-case, with its final slash.
std::string canonical_subscription(std::string text);

struct polling_client::impl : std::enable_shared_from_this<impl> {
  using tcp = boost::asio::ip::tcp;

  impl(io_thread& thread, disk::disk_pool& pool, crypto::identity own,
       polling_client::options opts);

  io_thread::impl& io;
  disk::disk_pool& disk;
  const crypto::identity self;
  const polling_client::options options;
  std::atomic<std::uint64_t> call_counter = 0;

  /// What callers on other threads ask for.
  mutable std::mutex counts_mutex;
  std::map<std::string, std::size_t> counts;

  // Everything below is touched on the links' thread only, after `start`.
  halibut::listener listener;
  std::optional<boost::asio::ssl::context> tls;
  std::set<std::string> trusted;
  std::map<std::string, subscription_queue> queues;
  std::set<std::shared_ptr<worker_link>> links;
  std::uint64_t link_counter = 0;
  std::size_t running = 0;
  bool stopped = false;
  /// The owner is gone: no callback about connections any more.
  bool abandoned = false;
  std::function<void()> on_ended;

  outcome<std::uint16_t> start();
  void stop();
  void pause(std::chrono::milliseconds how_long);
  void withdraw(std::uint64_t number);
  void spawn(boost::asio::awaitable<void> routine);
  void cut_all(const failure& reason);
  void on_socket(tcp::socket socket);
  bool make_place();

  void enqueue(const std::string& subscription,
               std::shared_ptr<pending_call> call);
  void expire(const std::string& key,
              const std::shared_ptr<pending_call>& call);
  void wake_one(subscription_queue& queue);
  static void finish(pending_call& call, call_result result);

  boost::asio::awaitable<void> run(std::shared_ptr<worker_link> x);
  task<void> transact(worker_link& x);
  task<std::string> identify(worker_link& x, exchange& wire);
  task<void> serve(worker_link& x, exchange& wire,
                   const std::string& subscription, subscription_queue& queue);
  task<std::shared_ptr<pending_call>> dequeue(worker_link& x,
                                              subscription_queue& queue);
  task<void> perform(worker_link& x, exchange& wire,
                     const std::string& subscription, pending_call& call);
  task<received_response> receive(exchange& wire, const std::string& id);
  void watch(worker_link& x);

  void count(const std::string& subscription, bool connected);
  void trouble(const failure& reason);
};

} // namespace cuttle::halibut
