#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace cuttle::interop {

/// Path of `OctopusPeer.dll`, from the environment variable
/// `CUTTLE_INTEROP_PEER`; nothing when these tests are to be skipped.
std::optional<std::string> peer_program();

/// Makes the certificate of OctopusPeer's worker in `pfx`; its thumbprint.
std::string make_worker_identity(const std::filesystem::path& pfx);

} // namespace cuttle::interop
