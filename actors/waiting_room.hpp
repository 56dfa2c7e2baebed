#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/fair_queue.hpp"
#include "messages/queue.hpp"

namespace cuttle {

/// The scripts beyond the limit of operations. Each has its request on the
/// volume and here some hundred bytes. Pure; one thread.
class waiting_room {
public:
  enum class stage : std::uint8_t {
    /// Its request is being written.
    keeping,
    waiting,
    /// It is its turn; its request is being read.
    loading,
    /// Its request is being removed.
    leaving,
  };

  struct guest {
    script_ticket ticket;
    queue_path path{};
    bool urgent = false;
    /// When its request came.
    timestamp since{};
    /// When the server last asked for it.
    timestamp asked{};
    stage at = stage::keeping;
    /// Nobody wants it any more; it leaves as soon as it can.
    bool unwanted = false;
    /// The server, or time, has ended it: it is remembered so.
    bool ended = false;
    /// Its request is being removed just now.
    bool removing = false;
    /// The last place that the task log got, and when.
    std::size_t said = 0;
    timestamp said_at{};
    /// Trees of this script that broke before.
    unsigned rebuilds = 0;
  };

  /// Makes room for a ticket that is not here.
  guest& add(guest who);

  guest* find(const std::string& key);

  /// It waits for its turn from now on.
  void wait(const std::string& key);

  /// It has left the queue without a turn.
  void leave(const std::string& key);

  /// The next one, which is `loading` from now on.
  std::optional<std::string> next();

  bool next_is_urgent() const {
    return queue_.next_is_urgent();
  }

  void erase(const std::string& key);

  /// Its place among those that wait, from 1; nothing if it does not wait.
  std::optional<std::size_t> place(const std::string& key) const;

  /// A new place, when the task log should get it: it is another one, and not
  /// too soon after the last.
  std::optional<std::size_t> news(const std::string& key, timestamp now,
                                  std::chrono::seconds pause);

  std::size_t waiting() const {
    return queue_.size();
  }

  std::size_t loading() const {
    return loading_;
  }

  std::size_t size() const {
    return guests_.size();
  }

  /// How long the one that came first has been here.
  std::chrono::milliseconds longest_wait(timestamp now) const;

  const std::map<std::string, guest>& guests() const {
    return guests_;
  }

private:
  void move_to(guest& who, stage next);

  std::map<std::string, guest> guests_;
  std::set<std::pair<timestamp, std::string>> by_age_;
  fair_queue queue_;
  std::size_t loading_ = 0;
};

} // namespace cuttle
