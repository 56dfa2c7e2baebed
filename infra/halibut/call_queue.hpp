#pragma once

// Internal: for the .cpp files of this folder.

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>

#include "infra/halibut/asking.hpp"
#include "infra/halibut/limits.hpp"

namespace cuttle::halibut {

/// Calls that wait for a connection, in their order: not too many, and each for
/// no longer than `limits.queue_timeout`. Belongs to the links' thread.
class call_queue {
public:
  /// Adds a call, or ends it (`overloaded`) when too many wait already.
  void push(std::shared_ptr<pending_call> call, const halibut::limits& limits);

  /// Takes the first call; null when there is none.
  std::shared_ptr<pending_call> pop();

  bool empty() const {
    return calls_->empty();
  }

  /// Ends the call of that number with `cancelled`; whether it was here.
  bool withdraw(std::uint64_t number);

  /// Ends all of them.
  void fail_all(const failure& reason);

private:
  using list = std::deque<std::shared_ptr<pending_call>>;

  /// Its time is over.
  static void expire(list& calls, const std::shared_ptr<pending_call>& call,
                     std::chrono::milliseconds patience);

  /// The timers know whether it still exists.
  std::shared_ptr<list> calls_ = std::make_shared<list>();
};

} // namespace cuttle::halibut
