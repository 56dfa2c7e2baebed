#pragma once

#include <caf/policy/unprofiled.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/coordinator.hpp>
#include <cerrno>
#include <deque>
#include <mutex>
#include <semaphore.h>
#include <utility>

namespace cuttle {

/// How CAF's threads share the actors that have something to do: one queue for
/// all, as CAF's own policy `sharing`, but the actor that another one has woken
/// last is not put into it. The thread that woke it goes on with it. So a
/// request that passes through four actors wakes one thread, not four, and
/// finds its data where it was. No thread looks for work: without any, all
/// sleep.
///
/// Fair: after `in_a_row` actors that were handed on so, one from the queue has
/// its turn. An actor that is handed on waits until the one that woke it has
/// had its turn (`CUTTLE_SCHEDULER_THROUGHPUT` messages), which is why handlers
/// must not take long.
class work_handing : public caf::policy::unprofiled {
public:
  /// Actors that a thread goes on with before it asks the queue.
  static constexpr unsigned in_a_row = 32;

  /// Not a condition variable, whose waiter takes the mutex again as one that
  /// others want: two more system calls each time, at each request of a server.
  class wake_up {
  public:
    wake_up() {
      sem_init(&count_, 0, 0);
    }
    ~wake_up() {
      sem_destroy(&count_);
    }
    wake_up(const wake_up&) = delete;
    wake_up& operator=(const wake_up&) = delete;

    /// Lets one thread go on, also one that does not wait yet.
    void notify() {
      sem_post(&count_);
    }

    void wait() {
      while (sem_wait(&count_) != 0 && errno == EINTR)
        continue;
    }

  private:
    sem_t count_;
  };

  struct coordinator_data {
    explicit coordinator_data(caf::scheduler::abstract_coordinator*) {}
    std::mutex mutex;
    std::deque<caf::resumable*> queue;
    /// Threads that sleep and have not been woken.
    std::size_t idle = 0;
    wake_up woken;
  };

  /// Of one thread, and touched by it alone until the end.
  struct worker_data {
    explicit worker_data(caf::scheduler::abstract_coordinator*) {}
    caf::resumable* next = nullptr;
    unsigned handed = 0;
  };

  template <class Coordinator>
  void central_enqueue(Coordinator* self, caf::resumable* job) {
    auto& all = d(self);
    bool anyone;
    {
      std::lock_guard lock{all.mutex};
      all.queue.push_back(job);
      anyone = all.idle > 0;
      all.idle -= anyone ? 1 : 0;
    }
    if (anyone)
      all.woken.notify();
  }

  template <class Worker>
  void external_enqueue(Worker* self, caf::resumable* job) {
    central_enqueue(self->parent(), job);
  }

  template <class Worker>
  void internal_enqueue(Worker* self, caf::resumable* job) {
    if (auto* older = std::exchange(d(self).next, job))
      central_enqueue(self->parent(), older);
  }

  template <class Worker>
  void resume_job_later(Worker* self, caf::resumable* job) {
    central_enqueue(self->parent(), job);
  }

  template <class Worker>
  caf::resumable* dequeue(Worker* self) {
    auto& mine = d(self);
    auto* next = std::exchange(mine.next, nullptr);
    if (next && mine.handed < in_a_row) {
      ++mine.handed;
      return next;
    }
    mine.handed = 0;
    auto& all = d(self->parent());
    for (;; all.woken.wait()) {
      std::lock_guard lock{all.mutex};
      if (next)
        all.queue.push_back(std::exchange(next, nullptr));
      if (!all.queue.empty()) {
        auto* job = all.queue.front();
        all.queue.pop_front();
        return job;
      }
      ++all.idle;
    }
  }

  template <class Worker, class Visit>
  void foreach_resumable(Worker* self, Visit visit) {
    if (auto* next = std::exchange(d(self).next, nullptr))
      visit(next);
  }

  template <class Coordinator, class Visit>
  void foreach_central_resumable(Coordinator* self, Visit visit) {
    auto& all = d(self);
    std::deque<caf::resumable*> left;
    {
      std::lock_guard lock{all.mutex};
      left.swap(all.queue);
    }
    for (auto* job : left)
      visit(job);
  }
};

/// For `caf::actor_system_config::module_factories`; its threads and throughput
/// are those of the settings `caf.scheduler`.
inline caf::actor_system::module* make_work_handing(caf::actor_system& system) {
  return new caf::scheduler::coordinator<work_handing>(system);
}

} // namespace cuttle
