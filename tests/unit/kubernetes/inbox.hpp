#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

namespace cuttle::kubernetes::test {

/// Values that the driver's thread puts in and the test takes out. A wait ends
/// with the value, or with nothing once the test has hung for too long.
template <class T>
class inbox {
public:
  void put(T value) {
    // Told under the lock: who was waiting may destroy this right after.
    std::lock_guard guard{mutex_};
    values_.push_back(std::move(value));
    changed_.notify_all();
  }

  std::optional<T> take(std::chrono::seconds limit = std::chrono::seconds{30}) {
    std::unique_lock guard{mutex_};
    if (!changed_.wait_for(guard, limit, [this] { return !values_.empty(); }))
      return {};
    auto result = std::move(values_.front());
    values_.pop_front();
    return result;
  }

  /// Takes values until one fits.
  template <class F>
  std::optional<T> take_until(F fits) {
    for (;;) {
      auto value = take();
      if (!value || fits(*value))
        return value;
    }
  }

  std::size_t size() {
    std::lock_guard guard{mutex_};
    return values_.size();
  }

  bool empty() {
    return size() == 0;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> values_;
};

} // namespace cuttle::kubernetes::test
