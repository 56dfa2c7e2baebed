#pragma once

#include <cstdint>

namespace cuttle::settings {

/// Log levels; the stock worker's names are accepted as well.
enum class log_level : std::uint8_t { trace, debug, info, warn, error, off };

} // namespace cuttle::settings
