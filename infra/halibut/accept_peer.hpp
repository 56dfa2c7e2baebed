#pragma once

// Internal: for the .cpp files of this folder.

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "infra/halibut/control_line.hpp"
#include "infra/halibut/exchange.hpp"
#include "infra/halibut/limits.hpp"

namespace cuttle::halibut {

/// Who dialled in, authorised.
struct accepted_peer {
  /// Normalised.
  std::string thumbprint;
  peer_identity identity;
};

/// The acceptor's half of a connection's start, in one time limit: TLS,
/// preamble, authorisation by thumbprint, id-line (`halibut` 7). `who` is what
/// peers are called in failures, such as "worker". Nothing for a probe or a
/// browser, which got its page, and for a port scan.
task<std::optional<accepted_peer>>
accept_peer(exchange& wire, const std::set<std::string>& trusted,
            const halibut::limits& limits, std::string_view who);

} // namespace cuttle::halibut
