#pragma once

// Internal: for the .cpp files of this folder.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "infra/crypto/identity.hpp"
#include "infra/disk/disk_pool.hpp"
#include "infra/halibut/answering.hpp"
#include "infra/halibut/io_thread_impl.hpp"
#include "infra/halibut/limits.hpp"
#include "infra/halibut/repeat_filter.hpp"
#include "infra/halibut/service.hpp"

namespace cuttle::halibut {

/// Why a link ends when the worker stops.
inline failure worker_stops() {
  return {errc::cancelled, "the worker stops"};
}

/// What the Service side does the same in both modes: it counts the coroutines
/// of its links, ends them in order, and has words for owner and log. Belongs
/// to the links' thread.
struct service_base : std::enable_shared_from_this<service_base> {
  service_base(io_thread& thread, disk::disk_pool& pool, crypto::identity own,
               std::string name, const halibut::limits& bounds,
               service_callbacks calls);
  virtual ~service_base() = default;

  service_base(const service_base&) = delete;
  service_base& operator=(const service_base&) = delete;

  io_thread::impl& io;
  disk::disk_pool& disk;
  const crypto::identity self;
  /// Who asks, for logs.
  const std::string peer;
  const halibut::limits limits;

  service_callbacks callbacks;
  std::optional<boost::asio::ssl::context> tls;
  std::size_t running = 0;
  bool stopping = false;
  /// The owner is gone: no callback any more.
  bool abandoned = false;
  answering requests{io, limits, callbacks, abandoned, peer, {}, {}};
  boost::asio::steady_timer patience;
  std::vector<std::function<void()>> on_ended;
  repeat_filter told;

  /// Runs a coroutine; `after` is called once it is gone.
  void spawn(boost::asio::awaitable<void> routine,
             std::function<void()> after = {});

  /// Lets each link end after its exchange, and cuts what is open after
  /// `grace`. Calls `done` when no coroutine is left.
  void stop(std::chrono::milliseconds grace, std::function<void()> done);

  /// Calls whoever waits for the end, if this is it.
  void ended();

  void tell(const link_event& event);

  /// Logs trouble with a peer, with fields besides the reason, as a warning or,
  /// when it was told a short time ago, for those who look for it.
  void log_trouble(const char* name, const failure& reason,
                   std::chrono::milliseconds retry_in);

  /// Ends what waits for nothing that could be lost.
  virtual void finish_idle(std::chrono::milliseconds grace) = 0;

  /// Cuts all links.
  virtual void cut_all(const failure& reason) = 0;

  /// All coroutines have ended after a stop.
  virtual void at_end() {}
};

/// `stop`, from any thread.
void post_stop(const std::shared_ptr<service_base>& service,
               std::chrono::milliseconds grace, std::function<void()> done);

/// Cuts a service whose owner goes, from any thread, and waits until nothing of
/// it runs any more.
void abandon(const std::shared_ptr<service_base>& service);

} // namespace cuttle::halibut
