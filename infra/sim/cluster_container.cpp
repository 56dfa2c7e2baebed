#include "infra/sim/cluster_container.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <unistd.h>

namespace asio = boost::asio;

namespace cuttle::sim {

namespace {

using asio::posix::stream_descriptor;

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);

} // namespace

container_process::container_process(asio::io_context& io, child_process child,
                                     std::string pod_uid,
                                     std::shared_ptr<container_log> log,
                                     read_buffer& buffer,
                                     std::function<void()> on_change)
  : io_(io), child_(std::move(child)), pod_uid_(std::move(pod_uid)),
    log_(std::move(log)), buffer_(buffer), on_change_(std::move(on_change)),
    out_(io, child_.out.release()), err_(io, child_.err.release()),
    ended_(io, child_.ended.release()) {}

void container_process::watch() {
  pumps_ = 2;
  asio::co_spawn(io_, pump(shared_from_this(), true), asio::detached);
  asio::co_spawn(io_, pump(shared_from_this(), false), asio::detached);
  asio::co_spawn(io_, wait_exit(shared_from_this()), asio::detached);
}

void container_process::signal(int number) {
  // Once it is reaped, its number may belong to somebody else.
  if (!exited_)
    signal_first(child_.pid, number);
}

void container_process::give_up_output() {
  boost::system::error_code ignored;
  out_.cancel(ignored);
  err_.cancel(ignored);
}

asio::awaitable<void> container_process::pump([[maybe_unused]] self keep,
                                              bool out) {
  auto& source = out ? out_ : err_;
  auto which = out ? container_log::stream::out : container_log::stream::err;
  for (;;) {
    auto [error]
      = co_await source.async_wait(stream_descriptor::wait_read, as_values);
    if (error)
      break;
    auto n = ::read(source.native_handle(), buffer_.data(), buffer_.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
      continue;
    if (n <= 0)
      break;
    log_->append(which, {buffer_.data(), static_cast<std::size_t>(n)});
  }
  --pumps_;
  on_change_();
}

asio::awaitable<void> container_process::wait_exit([[maybe_unused]] self keep) {
  do {
    auto [error]
      = co_await ended_.async_wait(stream_descriptor::wait_read, as_values);
    if (error)
      co_return;
    kill_stragglers(child_.pid, pod_uid_);
    exit_code_ = reap(child_);
  } while (exit_code_ < 0);
  exited_ = true;
  on_change_();
}

} // namespace cuttle::sim
