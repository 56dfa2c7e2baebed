#include "infra/halibut/exchange.hpp"

#include <algorithm>
#include <array>

namespace cuttle::halibut {

namespace {

transport::time_point from_now(std::chrono::milliseconds x) {
  return transport::clock::now() + x;
}

} // namespace

exchange::exchange(io_thread::impl& io, disk::disk_pool& disk,
                   const halibut::limits& limits, std::filesystem::path spool,
                   std::shared_ptr<transport> link)
  : io_(io), disk_(disk), limits_(limits), spool_(std::move(spool)),
    link_(std::move(link)), line_(limits.control_line_bytes), inflater_(limits),
    memory_(io.message_memory, limits_) {}

task<std::string> exchange::read_any_line(time_point until,
                                          std::string_view what) {
  line_.reset();
  memory_.clear();
  while (!line_.done()) {
    if (auto ok = co_await link_->fill(until, what); !ok)
      co_return tl::unexpected(ok.error());
    auto taken = line_.feed(link_->input());
    if (!taken)
      co_return tl::unexpected(taken.error());
    link_->consume(*taken);
  }
  co_return line_.line();
}

task<std::string> exchange::read_line(time_point until, std::string_view what) {
  for (;;) {
    auto line = co_await read_any_line(until, what);
    if (!line || !line->empty())
      co_return line;
  }
}

task<peer_identity> exchange::read_identity(time_point until,
                                            std::string_view what) {
  auto line = co_await read_any_line(until, what);
  if (!line)
    co_return tl::unexpected(line.error());
  auto identity = parse_identity(*line);
  if (!identity)
    co_return identity;
  auto empty = co_await read_any_line(until, what);
  if (!empty)
    co_return tl::unexpected(empty.error());
  if (!empty->empty())
    co_return fail(errc::protocol_error,
                   "no empty line follows the peer's identity");
  co_return identity;
}

task<bson_bytes> exchange::read_message(time_point first_byte,
                                        std::string_view what) {
  if (auto ok = co_await link_->fill(first_byte, what); !ok)
    co_return tl::unexpected(ok.error());
  inflater_.reset();
  for (;;) {
    auto taken = inflater_.feed(link_->input());
    if (!taken) {
      inflater_.reset();
      co_return tl::unexpected(taken.error());
    }
    link_->consume(*taken);
    if (auto ok = memory_.grow_to(inflater_.size()); !ok) {
      inflater_.reset();
      co_return tl::unexpected(ok.error());
    }
    if (inflater_.done())
      co_return inflater_.take();
    if (auto ok
        = co_await link_->fill(from_now(limits_.io), "the rest of a message");
        !ok) {
      inflater_.reset();
      co_return tl::unexpected(ok.error());
    }
  }
}

task<received_streams>
exchange::read_streams(std::vector<stream_placeholder> placeholders) {
  received_streams result;
  stream_ledger ledger{std::move(placeholders), limits_};
  while (ledger.left() > 0) {
    std::array<std::uint8_t, stream_header_bytes> header;
    if (auto ok = co_await link_->read(header, limits_.io); !ok)
      co_return tl::unexpected(ok.error());
    auto stream = ledger.open(header);
    if (!stream)
      co_return tl::unexpected(stream.error());
    outcome<received_stream> body;
    if (result.trouble) {
      auto skipped = co_await skip(stream->length);
      if (!skipped)
        co_return tl::unexpected(skipped.error());
    } else if (stream->length <= limits_.stream_memory_bytes) {
      body = co_await read_short(stream->length);
    } else {
      body = co_await read_long(stream->length, result.trouble);
    }
    if (!body)
      co_return tl::unexpected(body.error());
    std::array<std::uint8_t, stream_trailer_bytes> trailer;
    if (auto ok = co_await link_->read(trailer, limits_.io); !ok)
      co_return tl::unexpected(ok.error());
    if (auto ok = stream_ledger::close(*stream, trailer); !ok)
      co_return tl::unexpected(ok.error());
    result.streams.emplace_back(stream->id, std::move(*body));
  }
  co_return result;
}

task<void> exchange::write_line(std::string_view line) {
  co_return co_await link_->write(line, limits_.control);
}

task<void> exchange::write_message(std::span<const std::uint8_t> document,
                                   std::string_view before,
                                   std::string_view after) {
  auto message = deflate_message(document);
  message.insert(message.begin(), before.begin(), before.end());
  message.insert(message.end(), after.begin(), after.end());
  co_return co_await link_->write(message, limits_.io);
}

} // namespace cuttle::halibut
