#include "programs/runner/worker_link.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <unistd.h>
#include <utility>

namespace cuttle::runner {

using runner_link::progress;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds shortest_pause{50};
constexpr milliseconds longest_pause{1'000};

// Between dials once a link is not in use: to this is added up to twice as
// much.
constexpr milliseconds slow_pause{10'000};

// Within a cluster a connection is there in milliseconds, or nobody is: an
// address whose pod has gone says nothing, and each second at it is one in
// which the next worker hears nothing. One packet may be lost.
constexpr milliseconds connect_time{1'500};
constexpr milliseconds handshake_time{10'000};

// A script may have ended sooner than a first connection can be there.
constexpr milliseconds first_chance{300};

// Whoever answers at the address may be no worker.
constexpr milliseconds stranger_chance{1'000};

// After a signal the script may still say this much when nothing more fits.
constexpr std::uint64_t last_words = 16 * 1024 * 1024;

// `least` and up to `spread` more, so that many runners do not dial together.
milliseconds jitter(milliseconds least, milliseconds spread) {
  std::array<std::uint8_t, 4> dice;
  crypto::random_bytes(dice);
  std::int64_t number = 0;
  for (auto x : dice)
    number = 256 * number + x;
  return least + milliseconds{number % (spread.count() + 1)};
}

std::string last_part(std::string path) {
  while (path.size() > 1 && path.back() == '/')
    path.pop_back();
  return path.substr(path.rfind('/') + 1);
}

} // namespace

std::unique_ptr<worker_link> worker_link::make(const std::string& directory,
                                               crypto::byte_span key,
                                               link_options options) {
  if (key.size() != crypto::log_key{}.value.size()
      || !read_link_address(directory))
    return nullptr;
  return std::make_unique<worker_link>(directory, key, options);
}

worker_link::worker_link(std::string directory, crypto::byte_span key,
                         link_options options)
  : directory_(std::move(directory)), ticket_(last_part(directory_)),
    options_(options), held_(directory_, options.spool_bytes) {
  std::copy(key.begin(), key.end(), key_.value.begin());
}

worker_link::~worker_link() = default;

// -- lines -------------------------------------------------------------------

bool worker_link::in_use(clock::time_point now) const {
  return connected_
         && (state_ == state::streaming || !lost_
             || now - *lost_ < options_.gone);
}

// Whether much was printed before a first connection can be there. A kubelet
// may rotate the pod's log within that time, so the link is waited for.
bool worker_link::too_early(clock::time_point now) const {
  return !connected_ && held_.size() > options_.early_bytes
         && now - start_ < options_.early;
}

bool worker_link::holding() const {
  if (too_early(clock::now()) && !hurried_)
    return true;
  if (!held_.full() || !in_use(clock::now()))
    return false;
  return !hurried_ || held_.size() > options_.spool_bytes + last_words;
}

bool worker_link::worth_holding(clock::time_point now) const {
  return connected_ || open() || now - start_ < options_.first;
}

void worker_link::add(std::int64_t number, std::string_view frame) {
  held_.add(number, time_.now(), frame);
  forget_if_full(clock::now());
}

// Nothing that may be dropped is worth a script's wait.
void worker_link::forget_if_full(clock::time_point now) {
  auto keep = worth_holding(now)
              && (connected_ || open() || held_.size() <= options_.early_bytes
                  || too_early(now))
              && (!held_.full() || in_use(now));
  if (keep || held_.empty())
    return;
  held_.drop(held_.last());
  if (!open())
    return;
  // The stream has a gap now; a new one says where it begins.
  lost(now);
}

void worker_link::drop_acknowledged() {
  // Not in the middle of a line that is being sent.
  if (state_ == state::streaming && held_.find(acknowledged_ + 1) > next_)
    return;
  held_.drop(acknowledged_);
  if (state_ == state::streaming)
    next_ = std::max(next_, held_.begin());
}

// -- the connection ----------------------------------------------------------

void worker_link::dial(clock::time_point now) {
  auto where = read_link_address(directory_);
  if (!where || !socket_.dial(*where)) {
    lost(now);
    return;
  }
  state_ = state::connecting;
  give_up_ = now + connect_time;
}

void worker_link::lost(clock::time_point now) {
  if (state_ == state::streaming)
    lost_ = now;
  tls_.reset();
  socket_.close();
  state_ = state::waiting;
  wants_write_ = goes_on_ = false;
  give_up_ = clock::time_point::max();
  drop_acknowledged();
  auto slow = connected_ ? !in_use(now) : now - start_ >= options_.first;
  auto pause = shortest_pause * (1u << std::min(attempts_++, 6u));
  pause = std::min(pause, longest_pause);
  next_dial_ = now
               + (slow ? jitter(slow_pause, 2 * slow_pause)
                       : jitter(pause / 2, pause / 2));
}

int worker_link::use_session(SSL* connection, const EVP_MD*,
                             const unsigned char** identity, std::size_t* size,
                             SSL_SESSION** result) {
  auto* self
    = static_cast<worker_link*>(runner_link::tls_stream::owner_of(connection));
  *result = runner_link::make_psk_session(connection, self->key_.value);
  *identity = reinterpret_cast<const unsigned char*>(self->ticket_.data());
  *size = self->ticket_.size();
  return *result != nullptr ? 1 : 0;
}

void worker_link::secure(clock::time_point now) {
  if (state_ == state::connecting) {
    if (!socket_.connected()) {
      lost(now);
      return;
    }
    if (!context_)
      context_ = runner_link::make_runner_context(use_session);
    tls_.emplace(context_.get(), socket_.descriptor(), false, this);
    orders_.emplace();
    state_ = state::securing;
    give_up_ = now + handshake_time;
  }
  auto step = tls_->handshake();
  wants_write_ = step == progress::want_write;
  if (step == progress::done) {
    state_ = state::greeting;
    out_ = runner_link::format_hello(held_.empty() ? held_.last() + 1
                                                   : held_.first());
    written_ = 0;
    spoke_ = now;
    give_up_ = now + options_.silence;
  } else if (step != progress::want_read && step != progress::want_write) {
    lost(now);
  }
}

// -- the loop ----------------------------------------------------------------

pollfd worker_link::wants() const {
  short events = POLLIN;
  if (state_ == state::connecting)
    events = POLLOUT;
  else if (wants_write_)
    events = POLLIN | POLLOUT;
  return {socket_.descriptor(), events, 0};
}

worker_link::clock::time_point worker_link::due() const {
  if (goes_on_)
    return clock::time_point::min();
  auto result = state_ == state::waiting ? next_dial_ : give_up_;
  if (open() && !wants_write_) {
    auto lines = state_ == state::streaming && next_ < held_.end();
    result = std::min(result, spoke_ + (lines ? linger : options_.silence / 3));
  }
  if (held_.full() && lost_ && state_ != state::streaming)
    result = std::min(result, *lost_ + options_.gone);
  if (too_early(clock::now()))
    result = std::min(result, start_ + options_.early);
  if (ending_)
    result = std::min(result, end_limit());
  return result;
}

void worker_link::turn(clock::time_point now, short events) {
  auto woken = events != 0 || goes_on_;
  goes_on_ = false;
  forget_if_full(now);
  if (state_ == state::waiting) {
    if (now >= next_dial_)
      dial(now);
    return;
  }
  if (woken && (state_ == state::connecting || state_ == state::securing))
    secure(now);
  if (woken && open())
    read_orders(now);
  if (open() && (!wants_write_ || woken)) {
    wants_write_ = false;
    send(now);
  }
  if (state_ != state::waiting && now >= give_up_)
    lost(now);
}

// -- the end -----------------------------------------------------------------

void worker_link::no_more(clock::time_point now) {
  ending_ = true;
  progress_ = now;
  if (hurried_)
    hurry_until_ = now + options_.hurry;
}

void worker_link::hurry(clock::time_point now) {
  if (ending_ && !hurried_)
    hurry_until_ = now + options_.hurry;
  hurried_ = true;
}

worker_link::clock::time_point worker_link::end_limit() const {
  auto limit = progress_ + options_.end_wait;
  if (!connected_ && state_ < state::securing)
    limit = start_ + first_chance;
  else if (!connected_ && state_ == state::securing)
    limit = std::min(limit, progress_ + stranger_chance);
  return std::min(limit, hurry_until_);
}

bool worker_link::finished(clock::time_point now) const {
  return held_.empty() || got_ >= held_.last() || now >= end_limit();
}

int worker_link::close() {
  state_ = state_ == state::streaming ? state::greeting : state_;
  drop_acknowledged();
  auto result = held_.save();
  if (tls_)
    tls_->close();
  tls_.reset();
  socket_.close();
  return result;
}

} // namespace cuttle::runner
