#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "infra/crypto/cipher.hpp"
#include "infra/workspace/descriptor.hpp"
#include "infra/workspace/space.hpp"
#include "infra/workspace/volume_call.hpp"
#include "messages/stream.hpp"

namespace cuttle::workspace {

/// Modes of what the worker writes. A script pod may run as any user [WS-04]:
/// everyone reads, and programs are executable for all. Folders can be written
/// by their group as well: with `fsGroup` that is the pod's, and clusters that
/// choose a user at random put it into group 0. Secrecy of a workspace against
/// other script pods is not to be had: they share the volume.
inline constexpr unsigned file_mode = 0644;
inline constexpr unsigned program_mode = 0755;
inline constexpr unsigned folder_mode = 0775;
/// Folders of the worker itself; script pods have no business there.
inline constexpr unsigned private_mode = 0700;

/// The worker's own folders below home.
std::filesystem::path trash_directory(const std::filesystem::path& home);
std::filesystem::path runner_cache(const std::filesystem::path& home);

/// A name that nothing has, for a file on its way to its place.
std::string temporary_name();

/// Opens a folder whose path is trusted, after making it and its parents.
descriptor make_folder(volume_call& call, const std::filesystem::path& path,
                       unsigned mode);

/// Opens the folder `name` of `parent`, which must be no symbolic link; makes
/// it if it is missing. `created`, if given, tells which.
descriptor folder_in(volume_call& call, int parent, const std::string& name,
                     const std::filesystem::path& shown,
                     bool* created = nullptr);

/// Writes a new file `name` in `parent` with the mode; fails when it exists.
void write_new(volume_call& call, int parent, const std::string& name,
               std::string_view content, unsigned mode,
               const std::filesystem::path& shown);

/// Writes a file so that others see the old content or the new, never a part
/// of it; a link of that name is replaced, not followed.
void write_file(volume_call& call, int parent, const std::string& name,
                std::string_view content, unsigned mode,
                const std::filesystem::path& shown);

/// Puts received bytes to `name` in `parent`, by renaming the spool file where
/// that can be; it is consumed.
void place_stream(volume_call& call, stream_body& from, int parent,
                  const std::string& name, unsigned mode,
                  const std::filesystem::path& shown);

/// Copies a file by its content; fails when `name` exists.
void copy_new(volume_call& call, const std::filesystem::path& from, int parent,
              const std::string& name, unsigned mode,
              const std::filesystem::path& shown);

/// Reads all of an open file piece by piece; returns the number of bytes.
std::int64_t read_all(volume_call& call, int file,
                      const std::filesystem::path& shown,
                      const std::function<void(crypto::byte_span)>& sink);

/// What the file system of `path` says.
file_system_space ask_space(volume_call& call,
                            const std::filesystem::path& path);

/// Names of the entries of an open folder, without `.` and `..`.
std::vector<std::string> names_in(volume_call& call, int folder,
                                  const std::filesystem::path& shown);

/// Removes `name` in the folder `parent` with all it has, however deep, without
/// following a link. Needs few descriptors. A missing one is a success.
void erase_tree(volume_call& call, int parent, const std::string& name,
                const std::filesystem::path& shown);

} // namespace cuttle::workspace
