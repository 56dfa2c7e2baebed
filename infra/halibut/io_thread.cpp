#include "infra/halibut/io_thread.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <exception>
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "infra/halibut/io_thread_impl.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle::halibut {

namespace {

/// Where the calling thread is at home, if it is a links' thread.
struct home {
  const io_gate* gate = nullptr;
  boost::asio::io_context* context = nullptr;
};

thread_local home own;

[[noreturn]] void no_descriptor() {
  throw std::system_error{errno, std::generic_category(),
                          "no descriptor for the links' thread"};
}

} // namespace

// -- the gate -----------------------------------------------------------------

io_gate::io_gate() : bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (bell_ < 0)
    no_descriptor();
}

io_gate::~io_gate() {
  ::close(bell_);
}

int io_gate::bell() const {
  auto result = ::fcntl(bell_, F_DUPFD_CLOEXEC, 0);
  if (result < 0)
    no_descriptor();
  return result;
}

void io_gate::enter(boost::asio::io_context& context) const {
  own = {this, &context};
}

bool io_gate::post(std::function<void()> job) {
  {
    std::lock_guard lock{mutex_};
    if (closed_)
      return false;
    jobs_.push_back(std::move(job));
    if (std::exchange(called_, true))
      return true;
  }
  if (own.gate == this) {
    boost::asio::post(*own.context, [this] { run(); });
    return true;
  }
  // (it can not be full: the thread is told once)
  std::uint64_t once = 1;
  [[maybe_unused]] auto rung = ::write(bell_, &once, sizeof(once));
  return true;
}

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
  closed_ = true;
}

void io_gate::clear() {
  std::deque<std::function<void()>> jobs;
  std::lock_guard lock{mutex_};
  jobs.swap(jobs_);
}

// -- the thread ---------------------------------------------------------------

void io_thread::impl::run() {
  pthread_setname_np(pthread_self(), "links");
  gate->enter(context);
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

void io_thread::impl::listen() {
  bell.async_read_some(boost::asio::buffer(rings),
                       [this](const boost::system::error_code& error, auto) {
                         if (error)
                           return;
                         listen();
                         gate->run();
                       });
}

io_thread::io_thread() : impl_(std::make_unique<impl>()) {
  impl_->listen();
  impl_->thread = std::thread{[x = impl_.get()] { x->run(); }};
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
