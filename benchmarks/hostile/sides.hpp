#pragma once

#include <functional>
#include <memory>

#include "benchmarks/hostile/attacks.hpp"

namespace cuttle::bench {

/// What is attacked, in this process, with a good peer of its own.
class side {
public:
  virtual ~side() = default;

  /// Whom to attack, and with what.
  virtual loot spoils() const = 0;

  /// The good peer does its work once, on a connection that it has or, now and
  /// then, on a new one; false when it could not. Blocks.
  virtual bool work(bool new_connection) = 0;
};

std::unique_ptr<side> make_side(victim whom);

/// Identities and key of all sides and attackers, made before a fork.
const crypto::identity& own_identity();
const crypto::identity& trusted_identity();
crypto::log_key runner_key();

} // namespace cuttle::bench
