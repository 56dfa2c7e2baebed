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
  boost::asio::post(*context_, std::move(job));
  return true;
}

void io_gate::close() {
  std::lock_guard lock{mutex_};
  context_ = nullptr;
}

io_thread::io_thread() : impl_(std::make_unique<impl>()) {
  impl_->thread = std::thread{[this] { run_loop(impl_->context); }};
}

io_thread::~io_thread() {
  impl_->gate->close();
  impl_->context.stop();
  impl_->thread.join();
}

void io_thread::post(std::function<void()> job) {
  impl_->gate->post(std::move(job));
}

} // namespace cuttle::halibut
