#pragma once

#include <string>

#include "infra/runner_link/wire.hpp"

namespace cuttle::runner {

/// A TCP connection under way or made; closed at the end.
class link_socket {
public:
  link_socket() = default;
  ~link_socket() {
    close();
  }
  link_socket(const link_socket&) = delete;
  link_socket& operator=(const link_socket&) = delete;

  /// Begins to connect; false when that fails at once.
  bool dial(const runner_link::address& where);

  /// Whether what `dial` began has led to a connection, once writable.
  bool connected() const;

  void close();

  /// -1 when there is none.
  int descriptor() const {
    return descriptor_;
  }

private:
  int descriptor_ = -1;
};

/// The worker's address in the workspace, if there is one.
std::optional<runner_link::address>
read_link_address(const std::string& directory);

} // namespace cuttle::runner
