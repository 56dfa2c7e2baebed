#include "infra/halibut/inflater.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <string>
#include <zlib.h>

#include "infra/halibut/limit_names.hpp"

namespace cuttle::halibut {

namespace {

/// Bytes that may inflate after the root document.
constexpr std::size_t trailing_limit = 4'096;

/// The ratio is not looked at below this output: a script may well print
/// megabytes of one character, and such a response is no bomb.
constexpr std::size_t ratio_free_bytes = 16 * 1'024 * 1'024;

constexpr std::size_t smallest_document = 5;

std::size_t announced_length(const bson_bytes& document) {
  return document[0] | std::size_t{document[1]} << 8
         | std::size_t{document[2]} << 16 | std::size_t{document[3]} << 24;
}

} // namespace

struct inflater::impl {
  z_stream stream{};

  impl() {
    if (inflateInit2(&stream, -15) != Z_OK)
      throw std::bad_alloc{};
  }

  ~impl() {
    inflateEnd(&stream);
  }
};

inflater::inflater(const halibut::limits& limits)
  : impl_(std::make_unique<impl>()), message_limit_(limits.message_bytes),
    ratio_limit_(limits.inflate_ratio) {}

inflater::~inflater() = default;

outcome<std::size_t> inflater::feed(std::span<const std::uint8_t> bytes) {
  std::array<std::uint8_t, 16 * 1'024> block;
  auto& stream = impl_->stream;
  std::size_t taken = 0;
  while (!done_) {
    auto piece = std::min<std::size_t>(bytes.size() - taken, 1u << 30);
    stream.next_in = const_cast<Bytef*>(bytes.data() + taken);
    stream.avail_in = static_cast<uInt>(piece);
    stream.next_out = block.data();
    stream.avail_out = static_cast<uInt>(block.size());
    auto code = inflate(&stream, Z_NO_FLUSH);
    auto used = piece - stream.avail_in;
    auto made = block.size() - stream.avail_out;
    taken += used;
    input_ += used;
    output_ += made;
    reserve(made);
    document_.insert(document_.end(), block.data(), block.data() + made);
    if (code == Z_MEM_ERROR)
      throw std::bad_alloc{};
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
      return fail(errc::protocol_error,
                  std::string{"a message is no raw deflate stream: "}
                    + (stream.msg ? stream.msg : "unknown error"));
    if (auto ok = check(); !ok)
      return tl::unexpected(ok.error());
    done_ = code == Z_STREAM_END;
    if (!done_ && stream.avail_out > 0)
      break;
  }
  if (done_
      && (document_.size() < smallest_document
          || document_.size() < announced_length(document_)))
    return fail(errc::protocol_error,
                "a message ended before the end of its document");
  return taken;
}

/// A large document shall not be copied again and again while it grows, nor
/// take twice its room.
void inflater::reserve(std::size_t more) {
  auto need = document_.size() + more;
  if (need > document_.capacity() && document_.size() >= smallest_document)
    document_.reserve(std::clamp(announced_length(document_), need, 4 * need));
}

outcome<void> inflater::check() const {
  if (output_ < 4)
    return {};
  auto length = announced_length(document_);
  if (length < smallest_document || length > 0x7FFF'FFFF)
    return fail(errc::protocol_error, "a message holds no BSON document");
  if (length > message_limit_)
    return fail(errc::overloaded, "a message of " + std::to_string(length)
                                    + " bytes is over the limit of "
                                    + std::to_string(message_limit_)
                                    + raised_by(raise::message));
  if (output_ > length + trailing_limit)
    return fail(errc::protocol_error,
                "a message goes on long after the end of its document");
  if (output_ > ratio_free_bytes && output_ / ratio_limit_ > input_)
    return fail(errc::overloaded, "a message inflates to more than "
                                    + std::to_string(ratio_limit_)
                                    + " times its size"
                                    + raised_by(raise::ratio));
  return {};
}

bson_bytes inflater::take() {
  document_.resize(announced_length(document_));
  auto result = std::move(document_);
  reset();
  return result;
}

void inflater::reset() {
  inflateReset(&impl_->stream);
  document_ = {};
  input_ = 0;
  output_ = 0;
  done_ = false;
}

} // namespace cuttle::halibut
