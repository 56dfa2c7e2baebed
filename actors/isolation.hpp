#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "messages/script.hpp"

namespace cuttle {

/// Reader/writer locks by name: `NoIsolation` reads, `FullIsolation` writes
/// [ISO-01]. Who comes first is served first. Pure; one thread; bounded by the
/// number of operations.
class isolation_locks {
public:
  struct claim {
    /// Key of the ticket; at most one claim each.
    std::string ticket;
    /// The server's task, for the messages.
    std::string task;
    isolation_level level = isolation_level::none;
    std::string mutex;
  };

  /// The name that is used when the command has none.
  static constexpr const char* default_mutex = "RunningScript";

  /// Holds the lock, or waits for it; true if it is held now.
  bool take(claim x);

  /// Gives up what the ticket holds or waits for. The tickets that hold their
  /// lock from now on, in order.
  std::vector<std::string> release(const std::string& ticket);

  bool waits(const std::string& ticket) const;

  std::size_t waiting() const;

  /// For what a ticket waits [ISO-03]; empty if it does not wait.
  std::string busy_text(const std::string& ticket) const;

  /// For the end of a wait by cancellation, or after so long.
  std::string cancelled_text(const std::string& ticket) const;
  std::string timed_out_text(const std::string& ticket,
                             std::chrono::milliseconds waited) const;

private:
  struct lock {
    std::vector<claim> holders;
    std::deque<claim> queue;
  };

  static bool fits(const lock& l, const claim& x);
  std::string still_running(const std::string& ticket) const;
  const lock* lock_of(const std::string& ticket) const;

  std::map<std::string, lock> locks_;
  // Ticket -> name of its lock.
  std::map<std::string, std::string> by_ticket_;
};

/// The first line about the lock of a script [ISO-03].
std::string acquiring_text(const isolation_locks::claim& x);

} // namespace cuttle
