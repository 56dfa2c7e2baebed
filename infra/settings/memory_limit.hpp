#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "infra/settings/settings.hpp"

namespace cuttle::settings {

/// Bytes of memory that the container may have (cgroup v1 or v2); nothing
/// without a limit of its own.
std::optional<std::uint64_t> memory_limit(const std::filesystem::path& cgroup
                                          = "/sys/fs/cgroup");

/// Defaults that depend on the container's memory, where `env` says nothing:
/// the output of all scripts together gets an eighth of it, from 4 MiB up to
/// the default without a limit (16 MiB), and never less than one script's.
void fit_to_memory(environment_settings& values, const environment& env,
                   std::optional<std::uint64_t> memory);

} // namespace cuttle::settings
