#pragma once

// Internal: for the .cpp files of drivers that run on the links' thread. It is
// the only way to the event loop, and the reason why it is no public header.

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "infra/halibut/io_thread.hpp"

namespace cuttle::halibut {

/// A way to the links' thread that stays valid when the thread is gone, for
/// completions from other threads. Jobs run in the order in which they were
/// posted, from whichever threads. Thread-safe.
///
/// Other threads ring a bell, an event descriptor, instead of posting into the
/// context: they would hold its mutex just when the thread that they have woken
/// wants it.
class io_gate {
public:
  /// Throws `std::system_error` when there is no descriptor left.
  io_gate();
  ~io_gate();
  io_gate(const io_gate&) = delete;
  io_gate& operator=(const io_gate&) = delete;

  /// Runs `job` on the links' thread, soon; false once the thread has ended.
  bool post(std::function<void()> job);

  /// A descriptor that becomes readable when there are jobs, for the thread to
  /// own; throws like the constructor.
  int bell() const;

  /// For the thread: its own posts go through `context` from now on.
  void enter(boost::asio::io_context& context) const;

  /// For the thread: runs what is there; what comes meanwhile has its turn
  /// after other events.
  void run();

  /// Nothing passes from now on.
  void close();

  /// Forgets what has not been run; for when the thread is gone.
  void clear();

private:
  int bell_;
  std::mutex mutex_;
  // The context has no such order: what its own thread posts may come after
  // what another thread posts later.
  std::deque<std::function<void()>> jobs_;
  // The thread has been told of them.
  bool called_ = false;
  bool closed_ = false;
};

struct io_thread::impl {
  boost::asio::io_context context{1};
  std::shared_ptr<io_gate> gate = std::make_shared<io_gate>();
  boost::asio::posix::stream_descriptor bell{context, gate->bell()};
  std::array<std::uint8_t, sizeof(std::uint64_t)> rings{};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
    context.get_executor()};
  /// What messages take now, see `memory_share`. Belongs to the thread.
  std::size_t message_memory = 0;
  std::thread thread;

  /// The body of the thread.
  void run();

  /// Waits for the bell.
  void listen();

  /// Whether the caller is on the links' thread.
  bool inside() const {
    return std::this_thread::get_id() == thread.get_id();
  }
};

} // namespace cuttle::halibut
