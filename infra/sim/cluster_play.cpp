#include "infra/sim/cluster_play.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <exception>
#include <utility>

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
    play_->attend([this, weak = weak_from_this()] {
      asio::post(io_, [weak] {
        // (a pause goes on, whatever happens meanwhile)
        if (auto self = weak.lock(); self && self->asleep_)
          self->timer_.cancel();
      });
    });
    auto interrupted = false;
    while (!killed_) {
      if (terminated_ && !std::exchange(interrupted, true))
        log_->append(container_log::stream::out, play_->interrupt());
      auto pause = play_->next();
      if (!pause)
        break;
      // Also without a pause the other pods of the thread get their turn.
      asleep_ = *pause == pod_play::until_woken;
      if (asleep_)
        timer_.expires_at(std::chrono::steady_clock::time_point::max());
      else
        timer_.expires_after(std::max(*pause, std::chrono::milliseconds{0}));
      auto [early] = co_await timer_.async_wait(as_values);
      asleep_ = false;
      if (!early && !killed_ && !terminated_)
        log_->append(container_log::stream::out, play_->print());
    }
    exit_code_ = killed_ ? 128 + SIGKILL : play_->exit_code();
  } catch (const std::exception& e) {
    telemetry::error("embedded-cluster-play-broke", {{"what", e.what()}});
    exit_code_ = exit_internal;
  }
  exited_ = true;
  on_change_();
}

} // namespace cuttle::sim
