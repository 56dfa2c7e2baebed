#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "infra/crypto/cipher.hpp"
#include "infra/workspace/volume_call.hpp"
#include "messages/queue.hpp"

namespace cuttle::workspace {

/// Largest kept request. It has neither script nor files.
inline constexpr std::size_t largest_request = 64 * 1024 * 1024;

/// A request as text, without the script and the files, which its workspace
/// has.
std::string encode_request(const start_script& command, timestamp since);

/// The inverse. Refuses what is no such text, with a sentence.
outcome<kept_request> decode_request(std::string_view text);

/// `<home>/.cuttle/queue`, where requests are kept, one file each.
std::filesystem::path queue_directory(const std::filesystem::path& home);

/// Writes the request of a prepared workspace, encrypted and authenticated:
/// script pods share the volume, and a request says with which service account
/// a script runs.
outcome<void> write_request(volume_call& call,
                            const std::filesystem::path& home,
                            const start_script& command,
                            const crypto::log_key& seal, timestamp since);

/// Reads a kept request. `not_found`: there is none; `invalid_request`: it is
/// not one that was written with this key for this ticket.
outcome<kept_request> read_request(volume_call& call,
                                   const std::filesystem::path& home,
                                   const script_ticket& ticket,
                                   const crypto::log_key& seal);

/// Removes a kept request; a missing one is a success.
void drop_request(volume_call& call, const std::filesystem::path& home,
                  const script_ticket& ticket);

/// All kept requests, those that came first before others. One that can not be
/// read has the reason instead.
std::vector<kept_request> list_requests(volume_call& call,
                                        const std::filesystem::path& home,
                                        const crypto::log_key& seal);

} // namespace cuttle::workspace
