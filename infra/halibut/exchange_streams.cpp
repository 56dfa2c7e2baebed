#include <algorithm>
#include <array>

#include "infra/halibut/disk_job.hpp"
#include "infra/halibut/exchange.hpp"
#include "infra/halibut/spool.hpp"

namespace cuttle::halibut {

namespace {

/// One piece on its way between the wire and the disk; there are at most two at
/// a time for each connection.
constexpr std::int64_t piece_bytes = 256 * 1'024;

std::span<std::uint8_t> bytes_of(std::string& x) {
  return {reinterpret_cast<std::uint8_t*>(x.data()), x.size()};
}

std::size_t piece_size(std::int64_t left) {
  return static_cast<std::size_t>(std::min(left, piece_bytes));
}

/// The two pieces of a stream, which take turns. Whoever is left with the bytes
/// of a stream that broke keeps them.
class pieces {
public:
  explicit pieces(std::int64_t length) {
    for (auto& x : buffers_)
      x = std::make_shared<std::string>(piece_size(length), '\0');
  }

  /// The next piece, cut to what is left.
  std::shared_ptr<std::string> next(std::int64_t left) {
    auto& result = buffers_[turn_++ % buffers_.size()];
    result->resize(piece_size(left));
    return result;
  }

private:
  std::array<std::shared_ptr<std::string>, 2> buffers_;
  std::size_t turn_ = 0;
};

} // namespace

task<received_stream> exchange::read_short(std::int64_t length) {
  stream_body body;
  if (auto ok = memory_.add(static_cast<std::size_t>(length)); !ok)
    co_return tl::unexpected(ok.error());
  body.bytes.resize(static_cast<std::size_t>(length));
  body.length = length;
  if (auto ok = co_await link_->read(bytes_of(body.bytes), limits_.io); !ok)
    co_return tl::unexpected(ok.error());
  co_return make_received(std::move(body), disk_);
}

task<received_stream> exchange::read_long(std::int64_t length,
                                          std::optional<failure>& trouble) {
  disk_job<std::shared_ptr<spool_file>> create{
    io_, disk_, [folder = spool_, &disk = disk_] {
      return spool_file::create(folder, disk);
    }};
  auto created = co_await create.wait();
  if (!created) {
    trouble = created.error();
    auto skipped = co_await skip(length);
    if (!skipped)
      co_return tl::unexpected(skipped.error());
    co_return received_stream{};
  }
  auto file = *created;
  constexpr auto room = static_cast<std::size_t>(2 * piece_bytes);
  if (auto ok = memory_.add(room); !ok)
    co_return tl::unexpected(ok.error());
  pieces buffers{length};
  std::optional<disk_job<void>> writing;
  for (std::int64_t offset = 0; offset < length;) {
    auto piece = buffers.next(length - offset);
    if (auto ok = co_await link_->read(bytes_of(*piece), limits_.io); !ok)
      co_return tl::unexpected(ok.error());
    if (writing) {
      auto written = co_await writing->wait();
      writing.reset();
      if (!written)
        trouble = written.error();
    }
    if (!trouble)
      writing.emplace(io_, disk_, [file, offset, piece] {
        return file->write(offset, *piece);
      });
    offset += static_cast<std::int64_t>(piece->size());
  }
  if (writing) {
    auto written = co_await writing->wait();
    if (!written)
      trouble = written.error();
  }
  memory_.drop(room);
  disk_job<void> closing{io_, disk_, [file] { return file->close(); }};
  auto closed = co_await closing.wait();
  if (!closed && !trouble)
    trouble = closed.error();
  if (trouble)
    co_return received_stream{};
  stream_body body;
  body.file = file->release();
  body.sha1 = file->sha1();
  body.length = length;
  co_return make_received(std::move(body), disk_);
}

task<void> exchange::skip(std::int64_t length) {
  std::string piece(piece_size(length), '\0');
  while (length > 0) {
    auto size = std::min(length, piece_bytes);
    auto part = bytes_of(piece).first(static_cast<std::size_t>(size));
    if (auto ok = co_await link_->read(part, limits_.io); !ok)
      co_return ok;
    length -= size;
  }
  co_return outcome<void>{};
}

task<void>
exchange::write_streams(std::vector<std::pair<guid, outgoing_stream>> streams) {
  for (auto& [id, source] : streams)
    if (auto ok = co_await write_stream(id, source); !ok)
      co_return ok;
  co_return outcome<void>{};
}

task<void> exchange::write_stream(const guid& id, outgoing_stream source) {
  auto length = source->length;
  auto header = format_stream_header({id, length});
  auto trailer = format_stream_trailer(length);
  if (source->descriptor < 0) {
    if (static_cast<std::int64_t>(source->bytes.size()) != length)
      co_return fail(errc::internal,
                     "a data stream to be sent has not its announced length");
    const std::span<const std::uint8_t> first{header};
    const std::span<const std::uint8_t> last{trailer};
    if (length > piece_bytes) {
      // Not copied for the sake of two records less.
      auto ok = co_await link_->write(first, limits_.io);
      if (ok)
        ok = co_await link_->write(source->bytes, limits_.io);
      if (ok)
        ok = co_await link_->write(last, limits_.io);
      co_return ok;
    }
    std::vector<std::uint8_t> whole;
    whole.reserve(header.size() + source->bytes.size() + trailer.size());
    whole.insert(whole.end(), header.begin(), header.end());
    whole.insert(whole.end(), source->bytes.begin(), source->bytes.end());
    whole.insert(whole.end(), trailer.begin(), trailer.end());
    co_return co_await link_->write(std::span<const std::uint8_t>{whole},
                                    limits_.io);
  }
  using job = disk_job<std::shared_ptr<std::string>>;
  pieces buffers{length};
  auto read_at = [&](std::int64_t offset) {
    return [source, offset, piece = buffers.next(length - offset)]()
             -> outcome<std::shared_ptr<std::string>> {
      if (auto ok = read_source(*source, offset, *piece); !ok)
        return tl::unexpected(ok.error());
      return piece;
    };
  };
  std::optional<job> reading;
  if (length > 0)
    reading.emplace(io_, disk_, read_at(0));
  if (auto ok = co_await link_->write(std::span<const std::uint8_t>{header},
                                      limits_.io);
      !ok)
    co_return ok;
  for (std::int64_t offset = 0; offset < length;) {
    auto piece = co_await reading->wait();
    reading.reset();
    if (!piece)
      co_return tl::unexpected(piece.error());
    auto bytes = std::move(*piece);
    offset += static_cast<std::int64_t>(bytes->size());
    if (offset < length)
      reading.emplace(io_, disk_, read_at(offset));
    if (auto ok = co_await link_->write(*bytes, limits_.io); !ok)
      co_return ok;
  }
  co_return co_await link_->write(std::span<const std::uint8_t>{trailer},
                                  limits_.io);
}

} // namespace cuttle::halibut
