#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

namespace cuttle {

/// The memory that the output of all operations takes together while it waits
/// for the server. Each operation has a share. One that holds nothing may
/// always take something, so none waits for another one for ever: whoever is
/// refused holds lines, and asks again once its own server has taken some.
/// Thread-safe; counts only, and never blocks.
class log_budget {
public:
  class share;

  /// Bytes that are held.
  std::size_t used() const {
    return used_.load();
  }

  /// Whether so much is held that nothing is kept any more for a server that
  /// asks twice.
  bool crowded(std::size_t total) const {
    return used() > total / 2;
  }

  /// Raw bytes that one operation's source may have on their way when there are
  /// so many of them: all together no more than a quarter of `total`.
  std::size_t flow_bytes(std::size_t total) const;

  /// Whether an operation was told that there is no room for it, and has not
  /// been told otherwise since.
  bool anyone_waits() const {
    return refused_.load() > 0;
  }

  /// Bytes on their way into a share: counted, but not against it.
  void add(std::size_t bytes) {
    used_ += bytes;
  }

  void drop(std::size_t bytes) {
    used_ -= bytes;
  }

private:
  std::atomic<std::size_t> used_ = 0;
  /// Shares, and those of them that hold something.
  std::atomic<std::size_t> shares_ = 0;
  std::atomic<std::size_t> busy_ = 0;
  std::atomic<std::size_t> refused_ = 0;
};

using log_budget_ptr = std::shared_ptr<log_budget>;

/// What one operation holds. One thread at a time; gives all back when it ends.
class log_budget::share {
public:
  /// `window`: what this operation may hold in any case at most; `total`: what
  /// all of them may hold together. In bytes.
  share(log_budget_ptr budget, std::size_t window, std::size_t total);
  ~share();
  share(const share&) = delete;
  share& operator=(const share&) = delete;

  /// Whether more may be read. While half of the total is free each operation
  /// may fill its window; beyond that no more than its even part; beyond the
  /// total only who holds nothing.
  bool room();

  void hold(std::size_t bytes);

  /// Gives so many back; more than it holds is all of it.
  void release(std::size_t bytes);

  /// A line of which that much is here: others make room for it, but its own
  /// operation has to read on.
  void set_partial(std::size_t bytes);

  std::size_t held() const {
    return held_;
  }

private:
  bool may_hold_more() const;

  log_budget_ptr budget_;
  std::size_t window_;
  std::size_t total_;
  std::size_t held_ = 0;
  std::size_t partial_ = 0;
  bool refused_ = false;
};

} // namespace cuttle
