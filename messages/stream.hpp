#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace cuttle {

/// Bytes that came with a request. Small ones are in memory, larger ones in a
/// spool file. The driver that received them makes the shared pointer with a
/// deleter that removes an unclaimed file on a disk thread, so dropping the
/// last owner never blocks.
struct stream_body {
  /// The content, when `file` is empty.
  std::string bytes;
  /// The spool file, on the volume of the worker's home. A new owner that
  /// renames the file away clears this member first.
  std::filesystem::path file;
  /// Lower-case hex of the SHA-1 of what went into `file`; empty without one.
  std::string sha1;
  /// Number of bytes.
  std::int64_t length = 0;
};

/// Handle to received bytes; null for a stream that the peer sent as null.
using received_stream = std::shared_ptr<stream_body>;

/// An open file, or bytes, on their way to a peer. The length was fixed when
/// the source was opened; exactly that many bytes are sent.
struct stream_source {
  /// Content, when `descriptor` is negative.
  std::string bytes;
  /// An open file descriptor, owned; closed by the deleter of the pointer.
  int descriptor = -1;
  std::int64_t length = 0;
};

/// Handle to bytes to be sent.
using outgoing_stream = std::shared_ptr<stream_source>;

} // namespace cuttle
