#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "messages/failure.hpp"

namespace cuttle::kubernetes {

/// The content of a small file such as a certificate. More than `limit_bytes`
/// is a failure. Blocks; meant for files of the container itself.
outcome<std::string> read_small_file(const std::filesystem::path& file,
                                     std::size_t limit_bytes = 1024 * 1024);

/// `text` without white space at both ends.
std::string trimmed(const std::string& text);

} // namespace cuttle::kubernetes
