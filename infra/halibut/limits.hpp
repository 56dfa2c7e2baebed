#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace cuttle::halibut {

/// Time limits and sizes of one connection; defaults are the recommended set
/// of `halibut` 14.1 and 16.
struct limits {
  std::chrono::milliseconds connect{60'000};
  std::chrono::milliseconds handshake{60'000};
  /// Each byte of a proxy's answer.
  std::chrono::milliseconds proxy{15'000};
  /// Any single read or write without a more specific limit.
  std::chrono::milliseconds io{60'000};
  /// Service, polling: first byte of a request or null message.
  std::chrono::milliseconds request_wait{60'000};
  /// Service, listening: first byte of a request, at the start and after
  /// PROCEED.
  std::chrono::milliseconds listening_request_wait{600'000};
  /// Service, listening: how long a connection rests in the server's pool.
  std::chrono::milliseconds listening_idle{60'000};
  /// Client: first byte of a response.
  std::chrono::milliseconds response_wait{300'000};
  /// Control lines.
  std::chrono::milliseconds control{60'000};
  /// Client: a null message after this much idle time.
  std::chrono::milliseconds queue_wait{30'000};
  /// Client: a request not collected within this time fails.
  std::chrono::milliseconds queue_timeout{120'000};
  std::size_t control_line_bytes = 8 * 1024;
  std::size_t preamble_bytes = 20'000;
  /// Decompressed size of a message.
  std::size_t message_bytes = 256 * 1024 * 1024;
  /// Messages and data streams in memory of all connections of a links' thread
  /// together, beyond the first 64 KiB of each connection. With what growing
  /// messages take besides, this has to fit the container of the worker, which
  /// has 512 MiB by default.
  std::size_t all_messages_bytes = 256 * 1024 * 1024;
  /// Decompressed bytes allowed for each compressed byte, checked beyond the
  /// first 16 MiB. Deflate itself cannot exceed about 1032.
  std::size_t inflate_ratio = 200;
  /// Length of one string.
  std::size_t string_bytes = 256 * 1024 * 1024;
  /// Nesting of documents and arrays.
  unsigned nesting = 64;
  /// Length of one data stream.
  std::int64_t stream_bytes = std::int64_t{1} << 40;
  /// Data streams of one message.
  std::size_t streams = 1'000;
  /// Streams up to this length stay in memory; longer ones are spooled.
  std::int64_t stream_memory_bytes = 64 * 1024;
  /// Listening mode: connections from one address.
  std::size_t connections_per_peer = 512;
  /// Client: connections of one subscription.
  std::size_t connections_per_subscription = 512;
  /// Client and listening mode: connections in all, those in the handshake
  /// included.
  std::size_t connections = 4'096;
  /// Client: requests that wait in one subscription's queue.
  std::size_t queued_requests = 10'000;
};

} // namespace cuttle::halibut
