#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace cuttle::interop {

/// Path of `OctopusPeer.dll`, from the environment variable
/// `CUTTLE_INTEROP_PEER`; nothing when these tests are to be skipped.
std::optional<std::string> peer_program();

/// Makes the certificate of OctopusPeer's `role`, "worker" or "server", in
/// `pfx`; its thumbprint.
std::string make_identity(const std::string& role,
                          const std::filesystem::path& pfx);

} // namespace cuttle::interop
