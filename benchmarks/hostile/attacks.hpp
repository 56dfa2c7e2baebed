#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "infra/crypto/cipher.hpp"
#include "infra/crypto/identity.hpp"

namespace cuttle::bench {

/// Who is attacked.
enum class victim : std::uint8_t {
  /// `halibut::listening_service`; strangers, and a server with a stolen key.
  listening_worker,
  /// `halibut::polling_client`; strangers, and a worker with a stolen key.
  polling_port,
  /// `runner_link::server`; strangers, and scripts that know their key.
  runner_link,
};

inline constexpr auto attackers_subscription = "poll://attackers00000000000/";

/// What the attackers know.
struct loot {
  std::uint16_t port = 0;
  crypto::identity trusted;
  crypto::log_key key;
};

/// What became of the connections that did one thing.
struct attack_result {
  std::string name;
  unsigned opened = 0;
  /// Ended by the victim before the attackers went.
  unsigned cut = 0;
};

/// Opens so many connections, from several addresses of loopback, lets each
/// do the worst of its kind, keeps them for that long, and says what became
/// of them. Blocks.
std::vector<attack_result> attack(victim whom, const loot& what,
                                  unsigned connections, unsigned seconds);

} // namespace cuttle::bench
