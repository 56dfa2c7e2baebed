#pragma once

#include <optional>

#include "infra/crypto/cipher.hpp"
#include "tests/program/port_forward.hpp"
#include "tests/program/stage.hpp"

namespace cuttle::test {

/// A stage whose worker takes the runners' own links.
class LinkStage : public Stage {
protected:
  void SetUp() override;
  void TearDown() override;

  /// Whether the cluster is not the embedded one.
  static bool real_cluster();

  /// Whether pods can reach this machine.
  static bool links_possible();

  /// Starts a worker that listens for links. A successor listens at the same
  /// port.
  void start_linked_worker(const std::map<std::string, std::string>& more = {});

  /// Starts a worker that tells its runners of a port which they can not reach;
  /// for a real cluster.
  void start_unreachable_worker();

  /// Kills the worker, and waits until the server knows.
  void kill_worker();

  /// How often the present worker has read a pod's log.
  std::string readings();

  /// Highest resident memory of the present worker so far, in KiB.
  long peak_memory();

  /// A script that prints so many lines of 100 bytes, each beginning with its
  /// number, as fast as it can.
  static std::string burst(long count);

  /// The key of a script that runs, from its workspace.
  crypto::log_key key_of(const running_script& script) const;

  /// Where the worker listens for runners, on loopback.
  std::uint16_t link_port_ = 0;

private:
  std::map<std::string, std::string> link_settings() const;

  std::optional<port_forward> way_;
};

} // namespace cuttle::test
