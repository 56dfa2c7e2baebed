#pragma once

// Internal: for the .cpp files of this folder.

#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "infra/disk/disk_pool.hpp"
#include "infra/halibut/event.hpp"
#include "infra/halibut/io_thread_impl.hpp"
#include "messages/failure.hpp"

namespace cuttle::halibut {

/// One call on a disk thread, begun at once; a coroutine of the links' thread
/// may wait for its result. The call goes on when nobody waits any more, so it
/// must own what it touches.
template <class T>
class disk_job {
public:
  /// `call` returns an `outcome<T>` and is copyable.
  template <class F>
  disk_job(io_thread::impl& io, disk::disk_pool& disk, F call)
    : done_(io.context) {
    state_->waiter = &done_;
    disk.post([state = state_, gate = io.gate, call = std::move(call)] {
      std::optional<outcome<T>> result;
      try {
        result.emplace(call());
      } catch (const std::exception& e) {
        result.emplace(fail(errc::internal, e.what()));
      }
      gate->post([state, result = std::move(*result)]() mutable {
        state->result.emplace(std::move(result));
        if (state->waiter)
          state->waiter->notify();
      });
    });
  }

  disk_job(const disk_job&) = delete;
  disk_job& operator=(const disk_job&) = delete;

  ~disk_job() {
    state_->waiter = nullptr;
  }

  /// Waits for the end of the call. Call at most once.
  boost::asio::awaitable<outcome<T>> wait() {
    while (!state_->result)
      co_await done_.wait(event::time_point::max());
    co_return std::move(*state_->result);
  }

private:
  /// Touched on the links' thread only, but for its reference count.
  struct state {
    std::optional<outcome<T>> result;
    event* waiter = nullptr;
  };

  event done_;
  std::shared_ptr<state> state_ = std::make_shared<state>();
};

} // namespace cuttle::halibut
