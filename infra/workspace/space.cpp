#include "infra/workspace/space.hpp"

#include <algorithm>

namespace cuttle::workspace {

volume_space space_left(std::uint64_t nominal, std::uint64_t used,
                        std::uint64_t available) {
  auto left = nominal > used ? nominal - used : 0;
  return {std::min(left, available), nominal};
}

volume_space judge_space(std::optional<std::uint64_t> nominal,
                         const file_system_space& facts) {
  if (!nominal)
    return {facts.available, facts.total};
  auto ours = facts.total <= *nominal + *nominal / 10;
  auto used
    = ours && facts.total > facts.unused ? facts.total - facts.unused : 0;
  return space_left(*nominal, used, facts.available);
}

std::uint64_t required_for_upload(std::int64_t length) {
  auto bytes = static_cast<std::uint64_t>(std::max(std::int64_t{0}, length));
  return bytes + bytes / 10 + 1024 * 1024;
}

failure no_space(std::uint64_t required, std::uint64_t available) {
  return {errc::overloaded,
          "Not enough free space on disk. Required: " + std::to_string(required)
            + " bytes, available: " + std::to_string(available) + " bytes"};
}

} // namespace cuttle::workspace
