#pragma once

#include <filesystem>

#include "infra/workspace/volume.hpp"
#include "messages/file.hpp"

namespace cuttle::workspace {

/// The absolute, normal path that a remote path means: `\` is `/`, relative to
/// `home` (`tentacle-services` 11.1).
outcome<std::filesystem::path> resolve_remote(const std::filesystem::path& home,
                                              std::string_view remote);

/// Stores an upload; `space` is what is free, where its spool file already
/// counts as used. Throws `std::system_error` [RPC-16].
outcome<uploaded_file> store_upload(volume_call& call,
                                    const std::filesystem::path& home,
                                    upload_file& request,
                                    const volume_space& space);

/// Opens a file to send; no contents when there is none [RPC-16].
outcome<downloaded_file> open_download(volume_call& call,
                                       const std::filesystem::path& home,
                                       const download_file& request);

} // namespace cuttle::workspace
