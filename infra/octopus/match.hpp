#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "infra/octopus/resources.hpp"

namespace cuttle::octopus {

// Which of the server's things a value of the chart means. Names are compared
// without regard to case and to white space at both ends, as the stock worker
// does it.

/// Whether two names mean the same. Letters beyond ASCII are compared as they
/// are.
bool same_name(std::string_view x, std::string_view y);

/// The space of that name; the default space for an empty one. Ids and slugs do
/// not match (`install-and-register` 1.1).
answer<space_document> find_space(const std::vector<space_document>& spaces,
                                  std::string_view wanted);

/// Each pool by name, then slug, then id [REG-14]; each once, in the order of
/// `wanted`. Dynamic pools take no workers.
answer<std::vector<named>> find_pools(const std::vector<named>& pools,
                                      const std::vector<std::string>& wanted,
                                      std::string_view space);

/// The policy by name, then slug, then id. Without one of that name, the
/// default policy is taken if `wanted` is the image's own default [REG-16].
answer<named> find_policy(const std::vector<named>& policies,
                          std::string_view wanted, std::string_view space);

/// The worker of exactly that name, in any case; null when there is none. The
/// server's own filter finds parts of names as well.
const worker_document* find_worker(const std::vector<worker_document>& workers,
                                   std::string_view name);

/// Name of the machine policy that every space begins with.
inline constexpr std::string_view default_policy = "Default Machine Policy";

} // namespace cuttle::octopus
