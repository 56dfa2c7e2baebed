#pragma once

// Internal: for the kubelet, whose thread all of this runs on.

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "infra/sim/cluster_log.hpp"
#include "infra/sim/cluster_process.hpp"

namespace cuttle::sim {

/// A container that has started: a process, or a play.
class running_container {
public:
  virtual ~running_container() = default;

  /// Begins to run. Call once.
  virtual void watch() = 0;

  virtual void signal(int number) = 0;

  /// Stops to wait for output that an escaped process holds open.
  virtual void give_up_output() = 0;

  /// Whether its first process has ended.
  virtual bool exited() const = 0;

  /// Whether its output has ended as well.
  virtual bool over() const = 0;

  /// 0 to 255; 128 + n after signal n. Valid once `exited`.
  virtual int exit_code() const = 0;
};

/// A container's running process: moves its output to the log, and takes its
/// exit code after killing whatever it left behind.
class container_process
  : public running_container,
    public std::enable_shared_from_this<container_process> {
public:
  using read_buffer = std::array<char, 64 * 1024>;

  /// `buffer` is shared by all containers of the thread. `on_change` is called
  /// when the process or one of its outputs has ended.
  container_process(boost::asio::io_context& io, child_process child,
                    std::string pod_uid, std::shared_ptr<container_log> log,
                    read_buffer& buffer, std::function<void()> on_change);

  void watch() override;
  void signal(int number) override;
  void give_up_output() override;

  bool exited() const override {
    return exited_;
  }

  bool over() const override {
    return exited_ && pumps_ == 0;
  }

  int exit_code() const override {
    return exit_code_;
  }

private:
  using self = std::shared_ptr<container_process>;
  boost::asio::awaitable<void> pump(self keep, bool out);
  boost::asio::awaitable<void> wait_exit(self keep);

  boost::asio::io_context& io_;
  child_process child_;
  const std::string pod_uid_;
  const std::shared_ptr<container_log> log_;
  read_buffer& buffer_;
  const std::function<void()> on_change_;
  boost::asio::posix::stream_descriptor out_;
  boost::asio::posix::stream_descriptor err_;
  boost::asio::posix::stream_descriptor ended_;
  unsigned pumps_ = 0;
  bool exited_ = false;
  int exit_code_ = 0;
};

} // namespace cuttle::sim
