#include "infra/halibut/io_thread.hpp"

#include <boost/asio/post.hpp>
#include <exception>
#include <pthread.h>
#include <utility>

#include "infra/halibut/io_thread_impl.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle::halibut {

namespace {

void run_loop(boost::asio::io_context& context) {
  pthread_setname_np(pthread_self(), "links");
  for (;;) {
    try {
      context.run();
      return;
    } catch (const std::exception& e) {
      telemetry::error("links-job-threw", {{"what", e.what()}});
    } catch (...) {
      telemetry::error("links-job-threw", {{"what", "unknown exception"}});
    }
  }
}

} // namespace

bool io_gate::post(std::function<void()> job) {
  std::lock_guard lock{mutex_};
  if (!context_)
    return false;
  jobs_.push_back(std::move(job));
  // (the gate lives as long as the context)
  if (!called_)
    boost::asio::post(*context_, [this] { run(); });
  called_ = true;
  return true;
}

/// Runs what is there; what comes meanwhile has its turn after other events.
void io_gate::run() {
  std::deque<std::function<void()>> jobs;
  {
    std::lock_guard lock{mutex_};
    called_ = false;
    jobs.swap(jobs_);
  }
  for (; !jobs.empty(); jobs.pop_front()) {
    try {
      jobs.front()();
    } catch (const std::exception& e) {
      telemetry::error("links-job-threw", {{"what", e.what()}});
    } catch (...) {
      telemetry::error("links-job-threw", {{"what", "unknown exception"}});
    }
  }
}

void io_gate::close() {
  std::lock_guard lock{mutex_};
  context_ = nullptr;
}

void io_gate::clear() {
  std::deque<std::function<void()>> jobs;
  std::lock_guard lock{mutex_};
  jobs.swap(jobs_);
}

io_thread::io_thread() : impl_(std::make_unique<impl>()) {
  impl_->thread = std::thread{[this] { run_loop(impl_->context); }};
}

io_thread::~io_thread() {
  impl_->gate->close();
  impl_->context.stop();
  impl_->thread.join();
  impl_->gate->clear();
}

void io_thread::post(std::function<void()> job) {
  impl_->gate->post(std::move(job));
}

} // namespace cuttle::halibut
