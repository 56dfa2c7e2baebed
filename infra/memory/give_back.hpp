#pragma once

namespace cuttle::memory {

/// Gives back what the process does not need while it waits: free memory of
/// the heap, and the pages of code and constants, which the kernel maps again,
/// from its page cache, where they are used. So what only a start or a burst
/// of work needed does not stay resident. Takes some milliseconds, and some
/// hundred page faults afterwards. Thread-safe. Linux with glibc; what the
/// kernel refuses stays as it is.
void give_back();

} // namespace cuttle::memory
