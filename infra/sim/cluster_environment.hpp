#pragma once

#include <tl/expected.hpp>

#include "infra/sim/cluster_process.hpp"
#include "infra/sim/cluster_store.hpp"

namespace cuttle::sim {

/// Why a container cannot be started, as a waiting container says it:
/// `CreateContainerConfigError` with `secret "x" not found`.
struct config_error {
  std::string reason;
  std::string message;
};

/// Command and environment of a pod's script container: `env` and `envFrom`
/// with what they refer to, `$(NAME)` replaced, plus PATH, HOSTNAME and HOME.
tl::expected<process_spec, config_error>
make_process_spec(const nlohmann::json& pod, const cluster_store& store);

} // namespace cuttle::sim
