#pragma once

// Internal: for the .cpp files of this folder.

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <string_view>
#include <vector>

#include "infra/halibut/backoff.hpp"
#include "infra/halibut/event.hpp"
#include "infra/halibut/exchange.hpp"
#include "infra/halibut/link_pool.hpp"
#include "infra/halibut/polling_service.hpp"
#include "infra/halibut/service_base.hpp"
#include "infra/halibut/transport.hpp"

namespace cuttle::halibut {

inline constexpr std::string_view next_line = "NEXT\r\n";
inline constexpr std::string_view end_line = "END\r\n";

/// One of the connections, with those that follow it after a loss.
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
  /// There is no need for it: it ends with END.
  bool retired = false;
};

struct polling_service::impl : service_base {
  impl(io_thread& thread, disk::disk_pool& pool, crypto::identity own,
       server_endpoint node, polling_options opts, service_callbacks calls);

  const server_endpoint server;
  const polling_options options;

  // Everything below is touched on the links' thread only.
  std::vector<std::unique_ptr<service_link>> links;

  link_pool pool;
  /// Requests that are not answered yet.
  unsigned busy = 0;

  void start();
  link_counts counts() const;
  void add_link();
  void on_busy(bool begins);
  void finish_idle(std::chrono::milliseconds grace) override;
  void cut_all(const failure& reason) override;

  boost::asio::awaitable<void> run(service_link& x);
  task<void> transact(service_link& x, backoff& pauses);
  task<void> serve(service_link& x, exchange& wire);
  bool keeps(service_link& x, bool identified, const failure& reason,
             std::chrono::milliseconds pause);
};

} // namespace cuttle::halibut
