#include "infra/disk/disk_pool.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "infra/telemetry/log.hpp"

namespace cuttle::disk {

struct disk_pool::impl {
  mutable std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> jobs;
  std::atomic<std::size_t> open = 0;
  bool stopping = false;
  std::vector<std::thread> threads;

  void run() {
    for (;;) {
      std::function<void()> job;
      {
        std::unique_lock lock{mutex};
        wake.wait(lock, [this] { return stopping || !jobs.empty(); });
        if (jobs.empty())
          return;
        job = std::move(jobs.front());
        jobs.pop_front();
      }
      try {
        job();
      } catch (const std::exception& e) {
        telemetry::error("disk-job-threw", {{"what", e.what()}});
      }
      job = nullptr;
      --open;
    }
  }
};

disk_pool::disk_pool(unsigned threads) : impl_(std::make_unique<impl>()) {
  if (threads < 1)
    threads = 1;
  if (threads > 64)
    threads = 64;
  for (unsigned i = 0; i < threads; ++i)
    impl_->threads.emplace_back([this] { impl_->run(); });
}

disk_pool::~disk_pool() {
  {
    std::lock_guard lock{impl_->mutex};
    impl_->stopping = true;
  }
  impl_->wake.notify_all();
  for (auto& thread : impl_->threads)
    thread.join();
}

void disk_pool::post(std::function<void()> job) {
  ++impl_->open;
  {
    std::lock_guard lock{impl_->mutex};
    impl_->jobs.push_back(std::move(job));
  }
  impl_->wake.notify_one();
}

std::size_t disk_pool::pending() const {
  return impl_->open;
}

} // namespace cuttle::disk
