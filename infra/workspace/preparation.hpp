#pragma once

#include "infra/workspace/runner_files.hpp"
#include "infra/workspace/volume.hpp"
#include "messages/script.hpp"

namespace cuttle::workspace {

/// Body of a script as it is stored: LF line ends, no byte order mark [WS-02].
std::string normalised_body(std::string_view body);

/// Refuses a command whose ticket or file names can not be used, before
/// anything is written.
outcome<void> check_command(const start_script& command,
                            const std::vector<std::string>& runner_names);

/// Writes the workspace of a checked command below the open folder `work`;
/// throws `std::system_error`. `created` tells, also after a throw, whether the
/// folder was made now. `link_address` may be empty.
outcome<void> write_workspace(volume_call& call, int work,
                              const std::filesystem::path& shown,
                              start_script& command, const crypto::log_key& key,
                              runner_files& runner,
                              const std::string& link_address, bool& created);

} // namespace cuttle::workspace
