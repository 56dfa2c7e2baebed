#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>

#include "actors/mailbox.hpp"
#include "infra/kubernetes/cluster.hpp"
#include "messages/actors.hpp"

namespace cuttle {

/// One follow stream on its way into a `log_stream`: counts the bytes that wait
/// in the actor's mailbox and holds the sender back beyond a bound, since
/// mailboxes have none. Shared by the actor and the driver's thread.
class log_flow {
public:
  /// Bytes in the mailbox at which the stream is paused, and resumed.
  static constexpr std::size_t high_bytes = 256 * 1024;
  static constexpr std::size_t low_bytes = 64 * 1024;

  log_flow(kubernetes::cluster& cluster, mailbox<log_stream_actor> owner,
           std::uint64_t number)
    : cluster_(cluster), owner_(std::move(owner)), number_(number) {}

  /// Opens the stream; `flow` is this object.
  static void open(const std::shared_ptr<log_flow>& flow,
                   kubernetes::log_query query);

  /// The actor has handled that many bytes. `room`: it takes more.
  void handled(std::size_t bytes, bool room);

  /// The actor takes more again, or does not.
  void set_room(bool room);

  /// Ends the stream without a further message.
  void cancel();

private:
  // Pauses or resumes so that the stream is as it should be.
  void adjust();

  kubernetes::cluster& cluster_;
  mailbox<log_stream_actor> owner_;
  std::uint64_t number_;
  std::atomic<std::size_t> waiting_ = 0;
  std::atomic<bool> room_ = true;
  std::mutex mutex_;
  // Guarded by the mutex.
  kubernetes::call_id call_ = 0;
  bool paused_ = false;
  bool cancelled_ = false;
};

} // namespace cuttle
