#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace cuttle::interop {

/// Which way bytes go through a `relay`: `up` is from whoever dialled.
enum class way { up, down };

/// When a connection breaks: once so many bytes went that way.
struct cut_point {
  way direction = way::up;
  std::uint64_t bytes = 0;
};

/// Points from the first byte of TLS to far into streams, both ways; early and
/// late ones take turns, and those that need most traffic come first, so that
/// each is reached.
std::vector<cut_point> cuts_at_every_phase();

/// A port of loopback whose connections lead to another port, and break where
/// a test wants them to. Thread-safe.
class relay {
public:
  /// Binds and starts; leads nowhere before `lead_to`.
  relay();

  /// Cuts what is open.
  ~relay();

  relay(const relay&) = delete;
  relay& operator=(const relay&) = delete;

  std::uint16_t port() const {
    return port_;
  }

  /// Where connections lead from now on; 0 closes new ones at once.
  void lead_to(std::uint16_t port) {
    target_ = port;
  }

  /// The next connections break at these points, one each, in this order;
  /// those after them do not. A point that its connection did not live to reach
  /// goes to the next one.
  void cut_at(std::vector<cut_point> plan);

  /// How many of the points were reached.
  std::size_t cuts() const {
    return cuts_;
  }

  /// Bytes that have gone that way, on all connections.
  std::uint64_t carried(way direction) const {
    return direction == way::up ? up_ : down_;
  }

private:
  struct connection;

  void run();
  void accept(std::vector<connection>& all);
  void give_back(const connection& x);
  bool pump(connection& x, way direction);

  int listener_ = -1;
  int wake_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<std::uint16_t> target_ = 0;
  std::atomic<std::size_t> cuts_ = 0;
  std::atomic<std::uint64_t> up_ = 0;
  std::atomic<std::uint64_t> down_ = 0;
  std::mutex mutex_;
  std::vector<cut_point> plan_;
  std::thread thread_;
};

} // namespace cuttle::interop
