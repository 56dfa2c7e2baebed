#pragma once

// Internal: for the .cpp files of this folder.

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "infra/crypto/identity.hpp"
#include "infra/disk/disk_pool.hpp"
#include "infra/halibut/asking.hpp"
#include "infra/halibut/io_thread_impl.hpp"
#include "infra/halibut/limits.hpp"

namespace cuttle::halibut {

/// Why links and calls end when the Client stops.
inline failure client_stops() {
  return {errc::unavailable, "the server was stopped"};
}

/// What the Client side does the same in both modes: it makes calls, counts the
/// coroutines of its links and ends them in order. Belongs to the links'
/// thread, but for `make_call`.
struct client_base : std::enable_shared_from_this<client_base> {
  client_base(io_thread& thread, disk::disk_pool& pool, crypto::identity own,
              const halibut::limits& bounds, trouble_function trouble);
  virtual ~client_base() = default;

  client_base(const client_base&) = delete;
  client_base& operator=(const client_base&) = delete;

  io_thread::impl& io;
  disk::disk_pool& disk;
  const crypto::identity self;
  const halibut::limits limits;
  const trouble_function on_trouble;

  std::size_t running = 0;
  bool stopped = false;
  /// The owner is gone: no callback about connections any more.
  bool abandoned = false;
  std::function<void()> on_ended;

  /// Thread-safe. Its number is that of no other call of this program.
  std::shared_ptr<pending_call> make_call(outgoing_request request,
                                          result_function on_result) const;

  void spawn(boost::asio::awaitable<void> routine);

  void trouble(const failure& reason);

  /// Cuts all links, ends all calls, takes no more of either.
  virtual void stop() = 0;
};

/// `stop`, from any thread; waits for it, but not for the coroutines.
void stop_client(const std::shared_ptr<client_base>& client);

/// Stops a client whose owner goes, from any thread, and waits until nothing of
/// it runs any more.
void abandon(const std::shared_ptr<client_base>& client);

} // namespace cuttle::halibut
