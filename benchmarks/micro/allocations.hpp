#pragma once

#include <cstdint>

namespace cuttle::bench {

/// Blocks that the calling thread has taken from the heap so far, by whatever
/// library.
std::uint64_t allocations_of_this_thread();

} // namespace cuttle::bench
