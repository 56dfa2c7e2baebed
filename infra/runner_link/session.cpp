#include "infra/runner_link/session.hpp"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>

#include "infra/telemetry/log.hpp"

namespace cuttle::runner_link {

namespace asio = boost::asio;

using boost::system::error_code;

namespace {

/// Calls a callback of the owner, which must not end the links' thread.
template <class F, class... Ts>
void tell(const F& call, Ts&&... xs) {
  if (!call)
    return;
  try {
    call(std::forward<Ts>(xs)...);
  } catch (const std::exception& e) {
    telemetry::error("runner-link-handler-threw", {{"what", e.what()}});
  }
}

void set_option(int socket, int level, int name, int value) {
  // Best effort: a kernel without the option works too.
  ::setsockopt(socket, level, name, &value, sizeof(value));
}

} // namespace

session::session(session_id id, tcp::socket socket, SSL_CTX* context,
                 session_limits limits, std::span<char> buffer,
                 asio::io_context& loop)
  : id_(id), socket_(std::move(socket)),
    tls_(context, socket_.native_handle(), true, this), limits_(limits),
    buffer_(buffer), wake_(loop) {
  auto fd = socket_.native_handle();
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  error_code ignored;
  socket_.non_blocking(true, ignored);
}

std::string session::peer() const {
  error_code error;
  auto place = socket_.remote_endpoint(error);
  return error ? "unknown" : place.address().to_string();
}

asio::awaitable<void> session::run() {
  auto self = shared_from_this();
  outcome<void> result;
  try {
    result = co_await serve();
  } catch (const std::exception& e) {
    // Out of memory, say: this connection ends, the others go on.
    result = fail(errc::internal, e.what());
  }
  end(result ? failure{errc::unavailable, "the runner's link is closed"}
             : result.error());
  // The last numbers that the owner gave, if the socket takes them.
  if (told_open_ && tls_.error().empty())
    static_cast<void>(send_some());
  tls_.close();
  error_code ignored;
  socket_.close(ignored);
}

session::task<void> session::serve() {
  auto until = since_ + limits_.handshake;
  auto secured = co_await shake_hands();
  if (!secured)
    co_return secured;
  auto first = co_await read_hello();
  if (!first)
    co_return tl::unexpected(first.error());
  open(*first);
  heard_ = spoke_ = clock::now();
  for (;;) {
    if (end_)
      co_return tl::unexpected(*end_);
    auto sent = send_some();
    if (!sent)
      co_return sent;
    auto now = clock::now();
    until = spoke_ + (write_waits_ ? limits_.silence : limits_.silence / 3);
    if (resumed_ && room_) {
      auto more = take_some();
      if (!more)
        co_return tl::unexpected(more.error());
      if (*more) {
        // The other connections' turn, and that of a call of `set_room`.
        co_await asio::post(socket_.get_executor(), asio::use_awaitable);
        continue;
      }
      watch_read();
      until = std::min(until, heard_ + limits_.silence);
      if (now >= heard_ + limits_.silence)
        co_return fail(errc::deadline_exceeded,
                       "the runner has said nothing for "
                         + std::to_string(limits_.silence.count()) + " ms");
    }
    if (write_waits_ && now >= spoke_ + limits_.silence)
      co_return fail(errc::deadline_exceeded,
                     "the runner has taken nothing for "
                       + std::to_string(limits_.silence.count()) + " ms");
    co_await wake_.wait(until);
  }
}

session::task<void> session::shake_hands() {
  auto until = since_ + limits_.handshake;
  constexpr auto* what = "the TLS handshake";
  for (;;) {
    auto step = tls_.handshake();
    if (step == progress::done)
      break;
    // (TLS itself would only say that a certificate is missing)
    if (unknown_)
      co_return fail(errc::forbidden,
                     "no script of this worker has the ticket that the runner "
                     "named: it has ended, or the worker has just started and "
                     "the runner will dial again");
    auto waited = co_await ready(step, until, what);
    if (!waited)
      co_return waited;
  }
  if (!who_ || muted())
    co_return fail(errc::forbidden, "the runner's script is not expected here");
  proven_ = true;
  co_return outcome<void>{};
}

session::task<std::int64_t> session::read_hello() {
  auto until = since_ + limits_.handshake;
  hello_reader hello;
  while (!hello.done()) {
    std::array<char, longest_control> room;
    std::size_t size = 0;
    auto step = tls_.read(room, size);
    if (step != progress::done) {
      auto waited = co_await ready(step, until, "the runner's hello");
      if (!waited)
        co_return tl::unexpected(waited.error());
      continue;
    }
    auto taken = hello.feed({room.data(), size});
    if (!taken)
      co_return tl::unexpected(taken.error());
    if (*taken != size)
      co_return fail(errc::protocol_error,
                     "the runner sent lines before it was told from where");
  }
  co_return hello.first();
}

session::task<void> session::ready(progress step, clock::time_point until,
                                   const char* what) {
  if (end_)
    co_return tl::unexpected(*end_);
  if (step == progress::want_read)
    watch_read();
  else if (step == progress::want_write)
    watch_write();
  else
    co_return tl::unexpected(broken(step, what));
  auto woken = co_await wake_.wait(until);
  if (end_)
    co_return tl::unexpected(*end_);
  if (!woken)
    co_return fail(errc::deadline_exceeded,
                   std::string{"timed out waiting for "} + what);
  co_return outcome<void>{};
}

/// Passes on at most one chunk; true when there may be more at once.
outcome<bool> session::take_some() {
  std::size_t used = 0;
  auto step = progress::done;
  auto heard = false;
  // A record has at most 16 KiB; a shorter rest of the chunk stays free.
  constexpr std::size_t record = 16 * 1'024;
  // Many small records would keep the others waiting.
  constexpr auto most_records = 16;
  for (auto i = 0; i < most_records && step == progress::done
                   && buffer_.size() - used >= record;
       ++i) {
    std::size_t size = 0;
    auto room = buffer_.subspan(used);
    step = tls_.read(room, size);
    heard = heard || step == progress::done;
    // A sign of life leaves nothing; what follows goes in its place.
    auto rest = filter_.pass({room.data(), size});
    if (rest.data() != room.data() && !rest.empty())
      std::copy(rest.begin(), rest.end(), room.data());
    used += rest.size();
  }
  if (heard)
    heard_ = clock::now();
  if (used > 0 && !muted())
    tell(who_->tell.on_data, id_, std::string_view{buffer_.data(), used});
  if (step == progress::done)
    return true;
  if (step == progress::want_write)
    watch_write();
  else if (step != progress::want_read)
    return tl::unexpected(broken(step, "its next lines"));
  return false;
}

/// The newest numbers, once the ones before them are on their way; a sign of
/// life when there is nothing else to say.
void session::compose() {
  out_.clear();
  written_ = 0;
  if (from_)
    append_order(out_, {order::kind::from, *std::exchange(from_, {})});
  if (resumed_ && got_ > got_sent_)
    append_order(out_, {order::kind::got, got_sent_ = got_});
  if (resumed_ && ack_ > ack_sent_)
    append_order(out_, {order::kind::ack, ack_sent_ = ack_});
  if (out_.empty() && clock::now() >= spoke_ + limits_.silence / 3)
    out_ = "\n";
}

outcome<void> session::send_some() {
  for (;;) {
    if (written_ == out_.size())
      compose();
    if (out_.empty())
      return {};
    std::size_t size = 0;
    auto step = tls_.write(std::string_view{out_}.substr(written_), size);
    if (step == progress::done) {
      written_ += size;
      write_waits_ = false;
      spoke_ = clock::now();
      continue;
    }
    write_waits_ = true;
    if (step == progress::want_write)
      watch_write();
    else if (step == progress::want_read)
      watch_read();
    else
      return tl::unexpected(broken(step, "our answer to be taken"));
    return {};
  }
}

/// Takes the place of an earlier connection of the same runner.
void session::open(std::int64_t first) {
  auto self = shared_from_this();
  if (auto earlier = std::exchange(who_->current, self))
    earlier->cut({errc::unavailable, "the runner has connected anew"});
  told_open_ = true;
  if (!muted())
    tell(who_->tell.on_open, id_, first);
}

void session::end(failure reason) {
  if (end_)
    return;
  end_ = std::move(reason);
  if (!who_)
    return;
  if (who_->current.get() == this)
    who_->current.reset();
  if (told_open_ && !muted())
    tell(who_->tell.on_close, id_, *end_);
}

void session::cut(failure reason) {
  end(std::move(reason));
  wake_.notify();
}

void session::resume(std::int64_t after) {
  if (resumed_)
    return;
  from_ = after;
  resumed_ = true;
  heard_ = clock::now();
  wake_.notify();
}

void session::set_room(bool room) {
  if (room && !room_)
    heard_ = clock::now();
  room_ = room;
  wake_.notify();
}

void session::received(std::int64_t number) {
  got_ = std::max(got_, number);
  wake_.notify();
}

void session::acknowledge(std::int64_t number) {
  ack_ = std::max(ack_, number);
  wake_.notify();
}

void session::watch_read() {
  if (std::exchange(watches_read_, true))
    return;
  socket_.async_wait(tcp::socket::wait_read,
                     [weak = weak_from_this()](const error_code&) {
                       if (auto self = weak.lock()) {
                         self->watches_read_ = false;
                         self->wake_.notify();
                       }
                     });
}

void session::watch_write() {
  if (std::exchange(watches_write_, true))
    return;
  socket_.async_wait(tcp::socket::wait_write,
                     [weak = weak_from_this()](const error_code&) {
                       if (auto self = weak.lock()) {
                         self->watches_write_ = false;
                         self->wake_.notify();
                       }
                     });
}

failure session::broken(progress step, const char* what) const {
  auto code
    = step == progress::closed ? errc::unavailable : errc::protocol_error;
  return {code, tls_.error() + ", while we waited for " + what};
}

} // namespace cuttle::runner_link
