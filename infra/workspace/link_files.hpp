#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "infra/workspace/store.hpp"
#include "infra/workspace/volume_call.hpp"

namespace cuttle::workspace {

/// Writes the address, `<ip>:<port>`, into the open folder of a workspace, for
/// the runner (`docs/runner-link.md`).
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
