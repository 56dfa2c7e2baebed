// What the runner and the worker say to each other once they are connected.

#include <algorithm>
#include <array>
#include <utility>

#include "programs/runner/worker_link.hpp"

namespace cuttle::runner {

using runner_link::order;
using runner_link::progress;

namespace {

// So much is sent without waiting for more.
constexpr std::size_t enough = 16 * 1024;

// What one turn sends at most before the pipes have theirs.
constexpr std::size_t turn_bytes = 256 * 1024;
constexpr std::size_t stage_bytes = 64 * 1024;

// What one turn reads of the worker's few words.
constexpr int turn_reads = 8;

} // namespace

void worker_link::read_orders(clock::time_point now) {
  for (auto i = 0; i < turn_reads && open(); ++i) {
    std::array<char, 1024> room;
    std::size_t size = 0;
    auto step = tls_->read(room, size);
    if (step == progress::want_read)
      return;
    if (step == progress::want_write) {
      wants_write_ = true;
      return;
    }
    if (step != progress::done) {
      lost(now);
      return;
    }
    give_up_ = now + options_.silence;
    auto read = orders_->feed({room.data(), size},
                              [this, now](const order& x) { obey(x, now); });
    if (!read) {
      if (!std::exchange(complained_, true))
        complaint_ = "the link to the worker was closed: " + read.error().text;
      lost(now);
    }
  }
  goes_on_ = open();
}

void worker_link::obey(const order& x, clock::time_point now) {
  // A number that is none of ours is passed over: nothing is dropped that the
  // worker can not have.
  if (!open() || x.number > held_.last())
    return;
  switch (x.what) {
  case order::kind::from:
    if (state_ != state::greeting)
      return;
    // Lines sent again are skipped by their number.
    next_ = held_.find(std::max(x.number + 1, held_.first()));
    state_ = state::streaming;
    got_ = std::max(got_, x.number);
    attempts_ = 0;
    if (!connected_)
      progress_ = now;
    connected_ = true;
    lost_.reset();
    return;
  case order::kind::got:
    if (x.number > got_)
      progress_ = now;
    got_ = std::max(got_, x.number);
    return;
  case order::kind::ack:
    acknowledged_ = std::max(acknowledged_, x.number);
    got_ = std::max(got_, x.number);
    drop_acknowledged();
    return;
  }
}

// Brings the next bytes into `out_`; false when there are none.
bool worker_link::fill(clock::time_point now) {
  out_.clear();
  written_ = 0;
  if (state_ == state::streaming && next_ < held_.end()) {
    if (!sends_now(now))
      return false;
    if (!held_.read(next_, stage_bytes, out_)) {
      // The file can not be read: the rest is left to the pod's log.
      held_.drop(held_.last());
      lost(now);
      return false;
    }
    next_ += out_.size();
    if (acknowledged_ >= held_.first())
      drop_acknowledged();
    return true;
  }
  if (now < spoke_ + options_.silence / 3)
    return false;
  // A sign of life, as a record of its own.
  out_ += '\n';
  return true;
}

bool worker_link::sends_now(clock::time_point now) const {
  return ending_ || now >= spoke_ + linger || held_.end() - next_ >= enough;
}

void worker_link::send(clock::time_point now) {
  std::size_t sent = 0;
  while (open() && (written_ < out_.size() || fill(now))) {
    if (sent >= turn_bytes) {
      goes_on_ = true;
      return;
    }
    std::size_t size = 0;
    auto step = tls_->write(std::string_view{out_}.substr(written_), size);
    if (step == progress::done) {
      sent += size;
      written_ += size;
      spoke_ = now;
      auto position = next_ - (out_.size() - written_);
      if (state_ == state::streaming && position > furthest_) {
        furthest_ = position;
        progress_ = now;
      }
      continue;
    }
    wants_write_ = step == progress::want_write;
    if (step != progress::want_read && step != progress::want_write)
      lost(now);
    return;
  }
}

} // namespace cuttle::runner
