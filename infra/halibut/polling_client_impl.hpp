#pragma once

// Internal: for the .cpp files of this folder.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "infra/halibut/call_queue.hpp"
#include "infra/halibut/client_base.hpp"
#include "infra/halibut/event.hpp"
#include "infra/halibut/exchange.hpp"
#include "infra/halibut/listener.hpp"
#include "infra/halibut/polling_client.hpp"
#include "infra/halibut/transport.hpp"

namespace cuttle::halibut {

/// One accepted connection.
struct worker_link : std::enable_shared_from_this<worker_link> {
  explicit worker_link(boost::asio::io_context& context) : wake(context) {}

  event wake;
  /// In the order of acceptance.
  std::uint64_t number = 0;
  std::shared_ptr<transport> link;
  /// Empty until authorised.
  std::string thumbprint;
  /// The look-out for bytes or the end of the stream has reported one.
  bool readable = false;
  /// Number of the call that it performs, or 0.
  std::uint64_t call = 0;
};

/// The queue of one subscription, and who waits at it.
struct subscription_queue {
  call_queue calls;
  std::list<worker_link*> waiting;
  std::size_t links = 0;
};

/// The subscription as a key: lower-case, with its final slash.
std::string canonical_subscription(std::string text);

struct polling_client::impl : client_base {
  using tcp = boost::asio::ip::tcp;

  impl(io_thread& thread, disk::disk_pool& pool, crypto::identity own,
       polling_client::options opts);

  const polling_client::options options;

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

  std::shared_ptr<impl> shared() {
    return std::static_pointer_cast<impl>(shared_from_this());
  }

  outcome<std::uint16_t> start();
  void stop() override;
  void pause(std::chrono::milliseconds how_long);
  void withdraw(std::uint64_t number);
  void cut_all(const failure& reason);
  void on_socket(tcp::socket socket);
  bool make_place();

  void enqueue(const std::string& subscription,
               std::shared_ptr<pending_call> call);
  void wake_one(subscription_queue& queue);

  boost::asio::awaitable<void> run(std::shared_ptr<worker_link> x);
  task<void> transact(worker_link& x);
  task<std::string> identify(worker_link& x, exchange& wire);
  task<void> serve(worker_link& x, exchange& wire,
                   const std::string& subscription, subscription_queue& queue);
  task<std::shared_ptr<pending_call>> dequeue(worker_link& x,
                                              subscription_queue& queue);
  task<void> perform(worker_link& x, exchange& wire,
                     const std::string& subscription, pending_call& call,
                     std::string_view before);
  void watch(worker_link& x);

  void count(const std::string& subscription, bool connected);
};

} // namespace cuttle::halibut
