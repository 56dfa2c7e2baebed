#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "infra/workspace/store.hpp"
#include "infra/workspace/volume_call.hpp"

namespace cuttle::workspace {

/// Tells the runner where the worker is: `1 <ip>:<port>`. Read anew before each
/// dialling, so that a worker that has moved is found.
inline constexpr const char* link_name = "cuttle-link";

/// Lines that the runner holds or has left, in the form of the pod's log.
inline constexpr const char* kept_name = "cuttle-lines";

/// Writes the address into the open folder of a workspace.
void write_link_file(volume_call& call, int folder, const std::string& address,
                     const std::filesystem::path& shown);

/// Writes the address into the workspace at `path`; a missing one stays so.
outcome<void> announce_link(volume_call& call,
                            const std::filesystem::path& path,
                            const std::string& address);

/// See `store::read_kept_lines`. The file is the script's as much as the
/// runner's: only a regular one is read, and no link is followed.
outcome<kept_part> read_kept_lines(volume_call& call,
                                   const std::filesystem::path& path,
                                   std::uint64_t offset);

} // namespace cuttle::workspace
