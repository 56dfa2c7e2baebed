#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "messages/stream.hpp"

namespace cuttle {

/// Stores a file below the home folder, or at an absolute path [RPC-16].
struct upload_file {
  std::string remote_path;
  /// Null: nothing is stored.
  received_stream contents;
};

/// What became of an upload.
struct uploaded_file {
  std::string full_path;
  /// Lower-case hex SHA-1; empty optional for a null stream.
  std::optional<std::string> sha1;
  std::int64_t length = 0;
};

/// Asks for a file's content.
struct download_file {
  std::string remote_path;
};

/// The content; null when there is no such file.
struct downloaded_file {
  outgoing_stream contents;
};

} // namespace cuttle
