#pragma once

// Internal: for the .cpp files of this folder.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "infra/disk/disk_pool.hpp"
#include "infra/halibut/control_line.hpp"
#include "infra/halibut/data_stream.hpp"
#include "infra/halibut/inflater.hpp"
#include "infra/halibut/io_thread_impl.hpp"
#include "infra/halibut/limits.hpp"
#include "infra/halibut/memory_share.hpp"
#include "infra/halibut/transport.hpp"

namespace cuttle::halibut {

/// The data streams of one message.
struct received_streams {
  std::vector<std::pair<guid, received_stream>> streams;
  /// Why they could not be kept; they were read to their end nevertheless, so
  /// that the connection stays in step.
  std::optional<failure> trouble;
};

/// The elements of the protocol, in both roles, on one connection. Belongs to
/// the links' thread and to one coroutine.
class exchange {
public:
  using time_point = transport::time_point;

  exchange(io_thread::impl& io, disk::disk_pool& disk,
           const halibut::limits& limits, std::filesystem::path spool,
           std::shared_ptr<transport> link);

  transport& link() {
    return *link_;
  }

  /// A control line, its empty predecessors skipped.
  task<std::string> read_line(time_point until, std::string_view what);

  /// The id-line of the peer and the empty line after it.
  task<peer_identity> read_identity(time_point until, std::string_view what);

  /// One message, whose first byte may take until `first_byte`.
  task<bson_bytes> read_message(time_point first_byte, std::string_view what);

  task<received_streams>
  read_streams(std::vector<stream_placeholder> placeholders);

  task<void> write_line(std::string_view line);

  /// Compresses and writes a document, in one write with control lines before
  /// and after it: each write costs both sides more than a small message.
  task<void> write_message(std::span<const std::uint8_t> document,
                           std::string_view before = {},
                           std::string_view after = {});

  task<void>
  write_streams(std::vector<std::pair<guid, outgoing_stream>> streams);

  /// Nothing is held of the exchange that has ended; the next one may be long
  /// in coming.
  void release() {
    memory_.clear();
  }

private:
  task<std::string> read_any_line(time_point until, std::string_view what);

  task<received_stream> read_short(std::int64_t length);

  /// Sets `trouble` and returns null when the file cannot be kept.
  task<received_stream> read_long(std::int64_t length,
                                  std::optional<failure>& trouble);

  task<void> skip(std::int64_t length);

  task<void> write_stream(const guid& id, outgoing_stream source);

  io_thread::impl& io_;
  disk::disk_pool& disk_;
  const halibut::limits limits_;
  std::filesystem::path spool_;
  std::shared_ptr<transport> link_;
  line_reader line_;
  inflater inflater_;
  /// Message and streams of the exchange under way; a control line begins the
  /// next one.
  memory_share memory_;
};

} // namespace cuttle::halibut
