#include "programs/cuttle/stop_signal.hpp"

#include <chrono>
#include <csignal>
#include <pthread.h>
#include <unistd.h>

namespace cuttle {

namespace {

sigset_t termination_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  // Wakes the thread for its end.
  sigaddset(&set, SIGUSR2);
  return set;
}

} // namespace

stop_signal::stop_signal() {
  std::signal(SIGPIPE, SIG_IGN);
  auto set = termination_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::thread{[this] {
    auto waited = termination_signals();
    int number = 0;
    while (sigwait(&waited, &number) == 0) {
      if (ending_)
        return;
      if (number == SIGUSR2)
        continue;
      // A second signal from an impatient person ends the process at once.
      if (raised_.exchange(true))
        _exit(128 + number);
      notify();
    }
  }};
}

stop_signal::~stop_signal() {
  ending_ = true;
  pthread_kill(thread_.native_handle(), SIGUSR2);
  thread_.join();
}

void stop_signal::notify() {
  // The lock makes sure that no waiter is between its check and its sleep.
  std::lock_guard lock{mutex_};
  changed_.notify_all();
}

bool stop_signal::wait(const std::function<bool()>& ready) {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [&] { return raised_ || ready(); });
  return raised_;
}

bool stop_signal::wait_for(std::chrono::milliseconds limit,
                           const std::function<bool()>& ready) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, limit, [&] { return raised_ || ready(); });
  return raised_;
}

} // namespace cuttle
