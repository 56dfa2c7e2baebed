#pragma once

// Internal: for the .cpp files of drivers that run on the links' thread. It is
// the only way to the event loop, and the reason why it is no public header.

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
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
class io_gate {
public:
  explicit io_gate(boost::asio::io_context& context) : context_(&context) {}

  /// Runs `job` on the links' thread, soon; false once the thread has ended.
  bool post(std::function<void()> job);

  /// Nothing passes from now on.
  void close();

  /// Forgets what has not been run; for when the thread is gone.
  void clear();

private:
  void run();

  std::mutex mutex_;
  boost::asio::io_context* context_;
  // The context has no such order: what its own thread posts may come after
  // what another thread posts later.
  std::deque<std::function<void()>> jobs_;
  // The thread has been told of them.
  bool called_ = false;
};

struct io_thread::impl {
  boost::asio::io_context context{1};
  std::shared_ptr<io_gate> gate = std::make_shared<io_gate>(context);
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
    context.get_executor()};
  /// What messages take now, see `memory_share`. Belongs to the thread.
  std::size_t message_memory = 0;
  std::thread thread;

  /// Whether the caller is on the links' thread.
  bool inside() const {
    return std::this_thread::get_id() == thread.get_id();
  }
};

} // namespace cuttle::halibut
