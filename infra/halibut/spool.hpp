#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include "infra/crypto/cipher.hpp"
#include "infra/disk/disk_pool.hpp"
#include "messages/failure.hpp"
#include "messages/stream.hpp"

namespace cuttle::halibut {

/// A file in which a long data stream is kept. All member functions block: for
/// disk threads only.
class spool_file {
public:
  /// Makes a new file in `folder`, readable by the owner only; makes the folder
  /// where it is missing.
  static outcome<std::shared_ptr<spool_file>>
  create(const std::filesystem::path& folder, disk::disk_pool& disk);

  spool_file(const spool_file&) = delete;
  spool_file& operator=(const spool_file&) = delete;

  /// Pieces one after the other, from the beginning on: they are hashed on
  /// their way, while they are in the processor's cache.
  outcome<void> write(std::int64_t offset, std::string_view bytes);

  /// Closes; reports what the file system put off until then.
  outcome<void> close();

  /// SHA-1 of what was written, as lower-case hex. Call once; does not block.
  std::string sha1() {
    return digest_.finish();
  }

  /// Takes the file out of the spool's care; only after `close`.
  std::filesystem::path release();

private:
  spool_file(int descriptor, std::filesystem::path path)
    : descriptor_(descriptor), path_(std::move(path)) {}

  int descriptor_;
  std::filesystem::path path_;
  crypto::sha1_stream digest_;
};

/// Makes the handle of received bytes. Its deleter removes the file, if one is
/// still named, on a thread of `disk`.
received_stream make_received(stream_body body, disk::disk_pool& disk);

/// Fills `bytes` from a source, from `offset` on. Blocks. Fails when the file
/// has become shorter.
outcome<void> read_source(const stream_source& source, std::int64_t offset,
                          std::span<char> bytes);

} // namespace cuttle::halibut
