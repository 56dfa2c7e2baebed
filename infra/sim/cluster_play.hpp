#pragma once

// Internal: for the kubelet, whose thread all of this runs on.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>

#include "infra/sim/cluster_container.hpp"
#include "infra/sim/cluster_log.hpp"
#include "infra/sim/pod_play.hpp"

namespace cuttle::sim {

/// A container that is played: writes to the log what its play says, when it
/// says it.
class played_container : public running_container,
                         public std::enable_shared_from_this<played_container> {
public:
  /// `on_change` is called when the play has ended.
  played_container(boost::asio::io_context& io, std::unique_ptr<pod_play> play,
                   std::shared_ptr<container_log> log,
                   std::function<void()> on_change);

  void watch() override;
  void signal(int number) override;

  void give_up_output() override {}

  bool exited() const override {
    return exited_;
  }

  bool over() const override {
    return exited_;
  }

  int exit_code() const override {
    return exit_code_;
  }

private:
  boost::asio::awaitable<void> run(std::shared_ptr<played_container> keep);

  boost::asio::io_context& io_;
  const std::unique_ptr<pod_play> play_;
  const std::shared_ptr<container_log> log_;
  const std::function<void()> on_change_;
  boost::asio::steady_timer timer_;
  /// Waits until the play is woken.
  bool asleep_ = false;
  bool terminated_ = false;
  bool killed_ = false;
  bool exited_ = false;
  int exit_code_ = 0;
};

} // namespace cuttle::sim
