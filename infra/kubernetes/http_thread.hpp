#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "infra/kubernetes/credentials.hpp"
#include "infra/kubernetes/objects.hpp"
#include "infra/kubernetes/transfer.hpp"

namespace cuttle::kubernetes {

using steady = std::chrono::steady_clock;

/// What other threads may set about a call.
struct call_flags {
  std::atomic<bool> cancelled{false};
  std::atomic<bool> paused{false};
};

/// One open call of an `api_client`. Lives on the driver's thread; destroyed
/// outside of libcurl.
class call {
public:
  explicit call(std::shared_ptr<call_flags> flags);
  virtual ~call();

  /// Sends the first request. Once.
  virtual void start() = 0;

  /// `flags().paused` went from true to false.
  virtual void resumed();

protected:
  call_flags& flags() {
    return *flags_;
  }

  /// Runs a callback of the user, unless the call was cancelled. An exception
  /// out of it is a bug of the user; it is logged and goes no further.
  template <class F, class... Ts>
  void tell(F& callback, Ts&&... xs) {
    if (flags_->cancelled || !callback)
      return;
    try {
      callback(std::forward<Ts>(xs)...);
    } catch (...) {
      report_throw();
    }
  }

private:
  static void report_throw();

  std::shared_ptr<call_flags> flags_;
};

/// The driver's thread: one multi handle of libcurl, an inbox, timers, and the
/// bound on requests in flight. Members are for the thread itself where they
/// are not marked otherwise.
class http_thread {
public:
  using job = std::function<void()>;
  using make_call
    = std::function<std::unique_ptr<call>(std::shared_ptr<call_flags>)>;

  http_thread(access where, api_options options);

  /// Ends all calls and joins. Not to be called on the thread itself.
  ~http_thread();

  http_thread(const http_thread&) = delete;
  http_thread& operator=(const http_thread&) = delete;

  // -- for any thread --------------------------------------------------------

  /// Registers a call and starts it on the thread. With `refuse` it counts
  /// against the bound of the queue, and `refuse` runs on the thread instead
  /// when that is reached. Returns the call's id.
  call_id open(make_call make, job refuse = {});
  void cancel(call_id id);
  void pause(call_id id);
  void resume(call_id id);

  /// Runs `f` on the thread; not at all if that is about to end.
  void post(job f);

  const access& where() const {
    return where_;
  }

  const api_options& options() const {
    return options_;
  }

  // -- for the thread --------------------------------------------------------

  /// Forgets a call that has ended, after the current callback.
  void close(const call* ended);

  /// Starts an attempt.
  std::unique_ptr<transfer> send(const http_request& request,
                                 transfer_owner& owner, bool fresh);

  /// Takes the transfer out of libcurl; for the destructor of its owner.
  void abandon(transfer& it);

  /// Runs `f` after `delay`, unless the returned handle is gone by then.
  [[nodiscard]] std::shared_ptr<job> after(std::chrono::milliseconds delay,
                                           job f);

  /// Runs `f` when there is a place among the requests in flight; dropping the
  /// handle gives the place back, or up.
  [[nodiscard]] std::shared_ptr<void> admit(job f);

  /// Back-off with jitter for the given number of failures in a row.
  std::chrono::milliseconds backoff_for(unsigned failures);

  credentials& identity() {
    return identity_;
  }

  object_reader& reader() {
    return reader_;
  }

private:
  struct entry {
    std::shared_ptr<call_flags> flags;
    std::unique_ptr<call> it;
    bool counted = false;
  };
  struct place;

  void run();
  void run_inbox();
  void run_timers();
  void finish_transfers();
  void destroy_closed();
  void grant_places();
  int wait_limit_ms() const;

  access where_;
  api_options options_;
  void* multi_ = nullptr;
  credentials identity_;
  object_reader reader_;
  std::minstd_rand random_;
  std::multimap<steady::time_point, std::weak_ptr<job>> timers_;
  std::vector<std::unique_ptr<call>> closed_;
  std::unordered_map<const call*, call_id> ids_;
  std::deque<std::weak_ptr<place>> waiting_;
  std::shared_ptr<unsigned> in_flight_ = std::make_shared<unsigned>(0);

  std::mutex mutex_;
  std::vector<job> inbox_;
  std::unordered_map<call_id, entry> calls_;
  std::size_t counted_ = 0;
  call_id last_id_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace cuttle::kubernetes
