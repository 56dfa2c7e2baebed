#pragma once

// Internal: answers of the embedded API server that go on for long.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "infra/sim/cluster_api.hpp"
#include "infra/sim/tls_listener.hpp"

namespace cuttle::sim {

/// Coroutines that sleep until something happens under their key, or until a
/// time. `raise` is thread-safe, all else is for the event loop's thread.
class wake_list {
public:
  /// Key of the watches; UIDs of pods are never empty.
  static constexpr const char* watches = "";

  /// Names the event loop; call before anything else. The list must not be used
  /// after the loop has ended, except to go.
  void attach(boost::asio::io_context& io) {
    io_ = &io;
  }

  /// Wakes those that sleep under this key, soon.
  void raise(const std::string& key);

  void wake_all();

  /// A place to sleep; leaves the list by itself.
  class sleeper {
  public:
    sleeper(wake_list& owner, const std::string& key);
    ~sleeper();
    sleeper(const sleeper&) = delete;
    sleeper& operator=(const sleeper&) = delete;

    boost::asio::awaitable<void>
    sleep(std::chrono::steady_clock::time_point until);

  private:
    wake_list& owner_;
    boost::asio::steady_timer timer_;
    std::multimap<std::string, boost::asio::steady_timer*>::iterator at_;
  };

private:
  void wake_raised();
  boost::asio::io_context* io_ = nullptr;
  std::mutex mutex_;
  std::set<std::string> raised_;
  std::multimap<std::string, boost::asio::steady_timer*> sleepers_;
};

/// Answers a WATCH to its end; whether the connection can be used again.
boost::asio::awaitable<bool>
send_watch(tls_stream& stream, watch_answer& watch, const cluster_store& store,
           wake_list& wakes, const cluster_moods& moods,
           std::chrono::milliseconds bookmark_interval);

/// Sends a log to its end, one chunk at a time; whether the connection can be
/// used again.
boost::asio::awaitable<bool> send_log(tls_stream& stream, log_answer& log,
                                      wake_list& wakes,
                                      const cluster_moods& moods);

} // namespace cuttle::sim
