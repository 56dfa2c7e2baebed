#pragma once

#include <chrono>
#include <cstddef>

namespace cuttle::bench {

/// What a data stream costs at least: TLS, the kernel and the files, without
/// any protocol or program around them.
struct bare_figures {
  double mib_a_second = 0;
  /// Processor time of the side that sends, and of the one that receives.
  double sender_ms_a_mib = 0;
  double receiver_ms_a_mib = 0;
};

/// Sends a file of `mib` MiB again and again over one TLS connection on
/// loopback, for `measure`: two threads that block, OpenSSL as the worker sets
/// it up. `store`: the receiver writes it to a file and takes its SHA-1, as for
/// an upload; else it drops it. Aborts when anything fails.
bare_figures run_bare(std::size_t mib, bool store,
                      std::chrono::milliseconds measure);

} // namespace cuttle::bench
