#include "infra/sim/cluster_play.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <exception>

#include "infra/telemetry/log.hpp"

namespace asio = boost::asio;

namespace cuttle::sim {

namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
constexpr int exit_internal = 70;

} // namespace

played_container::played_container(asio::io_context& io,
                                   std::unique_ptr<pod_play> play,
                                   std::shared_ptr<container_log> log,
                                   std::function<void()> on_change)
  : io_(io), play_(std::move(play)), log_(std::move(log)),
    on_change_(std::move(on_change)), timer_(io) {}

void played_container::watch() {
  asio::co_spawn(io_, run(shared_from_this()), asio::detached);
}

void played_container::signal(int number) {
  if (exited_)
    return;
  (number == SIGKILL ? killed_ : terminated_) = true;
  timer_.cancel();
}

asio::awaitable<void>
played_container::run([[maybe_unused]] std::shared_ptr<played_container> keep) {
  try {
    while (!killed_ && !terminated_) {
      auto pause = play_->next();
      if (!pause)
        break;
      // Also without a pause the other pods of the thread get their turn.
      timer_.expires_after(std::max(*pause, std::chrono::milliseconds{0}));
      auto [ignored] = co_await timer_.async_wait(as_values);
      (void)ignored;
      if (!killed_ && !terminated_)
        log_->append(container_log::stream::out, play_->print());
    }
    if (killed_) {
      exit_code_ = 128 + SIGKILL;
    } else {
      if (terminated_)
        log_->append(container_log::stream::out, play_->interrupt());
      exit_code_ = play_->exit_code();
    }
  } catch (const std::exception& e) {
    telemetry::error("embedded-cluster-play-broke", {{"what", e.what()}});
    exit_code_ = exit_internal;
  }
  exited_ = true;
  on_change_();
}

} // namespace cuttle::sim
