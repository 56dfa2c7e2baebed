#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace cuttle::halibut::test {

/// One element of a recorded connection (tests/vectors/README.md).
struct vector_step {
  std::string file;
  bool from_worker = false;
  std::string kind;
  /// The bytes on the wire; empty where the recording is truncated.
  std::vector<std::uint8_t> bytes;
  /// The inflated document; empty where it was not recorded.
  std::vector<std::uint8_t> document;
  std::string stream_id;
  std::int64_t stream_length = 0;
  /// The document as "path: type value".
  std::vector<std::string> elements;
};

/// All elements of all recordings, in the order of their files.
const std::vector<vector_step>& vector_steps();

std::vector<std::uint8_t> decode_base64(const std::string& text);

} // namespace cuttle::halibut::test
