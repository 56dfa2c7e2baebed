#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "messages/failure.hpp"

namespace cuttle::workspace {

/// The parts of a file name that stays below its folder: relative, without
/// `..`, without NUL bytes. Empty parts and `.` are dropped. Refused with a
/// sentence else (`tentacle-services` 10.4).
outcome<std::vector<std::string>> safe_parts(std::string_view name);

} // namespace cuttle::workspace
