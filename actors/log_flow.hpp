#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>

#include "actors/log_budget.hpp"

namespace cuttle {

/// The bytes on their way from a driver into a `log_stream`: counts those that
/// wait in the actor's mailbox and holds the sender back beyond a bound, since
/// mailboxes have none. The bound becomes smaller the more operations there
/// are. Shared by the actor and the driver's thread; thread-safe.
class log_flow {
public:
  /// How to hold the sender back, and how to end it.
  struct source {
    std::function<void(bool flowing)> set_flowing;
    std::function<void()> cancel;
  };

  /// `total`: bytes that all operations together may hold.
  log_flow(log_budget_ptr budget, std::size_t total);
  ~log_flow();
  log_flow(const log_flow&) = delete;
  log_flow& operator=(const log_flow&) = delete;

  /// The sender, once it is there; one that was cancelled before ends at once.
  /// A later one replaces it.
  void attach(source from);

  /// The driver is about to post that many bytes.
  void arrived(std::size_t bytes);

  /// The actor has handled that many bytes. `room`: it takes more.
  void handled(std::size_t bytes, bool room);

  /// The actor takes more again, or does not.
  void set_room(bool room);

  /// Ends the sender without a further message.
  void cancel();

private:
  // Pauses or resumes so that the sender is as it should be.
  void adjust();

  log_budget_ptr budget_;
  std::size_t total_;
  std::atomic<std::size_t> waiting_ = 0;
  std::atomic<bool> room_ = true;
  std::mutex mutex_;
  // Guarded by the mutex.
  source from_;
  bool paused_ = false;
  bool cancelled_ = false;
};

} // namespace cuttle
