#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "infra/workspace/store.hpp"

namespace cuttle::workspace {

/// What the file system says about itself, in bytes.
struct file_system_space {
  std::uint64_t total = 0;
  std::uint64_t unused = 0;
  /// Unused and for us to use.
  std::uint64_t available = 0;
};

/// Free and total space of a volume with a nominal size. The file system's own
/// figure counts; the nominal size limits it, less what is used where the file
/// system is the volume's alone (not larger than nominal, give or take a
/// tenth). Never below 0 [STO-04].
volume_space judge_space(std::optional<std::uint64_t> nominal,
                         const file_system_space& facts);

/// As `judge_space` with a known number of used bytes [STO-05].
volume_space space_left(std::uint64_t nominal, std::uint64_t used,
                        std::uint64_t available);

/// Bytes that have to be free to store a file: a tenth and 1 MiB more than its
/// length [STO-06].
std::uint64_t required_for_upload(std::int64_t length);

/// The failure when too little is free [WS-07].
failure no_space(std::uint64_t required, std::uint64_t available);

} // namespace cuttle::workspace
