#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <zlib.h>

#include "infra/halibut/inflater.hpp"

namespace cuttle::halibut {

namespace {

/// Up to this size a .NET receiver inflates everything before it parses.
constexpr std::size_t net_buffer_bytes = 65'536;

/// Compression is for the wire only, and wires are fast: the lowest level.
constexpr int level = 1;

/// Up to this size a document is a small one.
constexpr std::size_t small_bytes = 4'096;

/// Up to this size a document goes as it is, in a stored block: it fits one
/// packet anyhow, and compressing it costs either side more than its way does.
constexpr std::size_t stored_bytes = 1'200;

class deflater {
public:
  /// A small document needs no large window, whose set-up costs more than the
  /// compression itself, and no codes of its own, which cost both sides more
  /// than they save.
  explicit deflater(bool small) {
    if (deflateInit2(&stream_, level, Z_DEFLATED, small ? -12 : -15,
                     small ? 5 : 8, small ? Z_FIXED : Z_DEFAULT_STRATEGY)
        != Z_OK)
      throw std::bad_alloc{};
  }

  deflater(const deflater&) = delete;
  deflater& operator=(const deflater&) = delete;

  ~deflater() {
    deflateEnd(&stream_);
  }

  /// Begins another document, whose message goes to `output`.
  void begin(bson_bytes& output) {
    deflateReset(&stream_);
    output_ = &output;
  }

  void add(std::span<const std::uint8_t> bytes, int last_flush) {
    std::array<std::uint8_t, 16 * 1'024> block;
    constexpr std::size_t most = std::numeric_limits<int>::max();
    for (;;) {
      auto piece = std::min(bytes.size(), most);
      auto flush = piece == bytes.size() ? last_flush : Z_NO_FLUSH;
      stream_.next_in = const_cast<Bytef*>(bytes.data());
      stream_.avail_in = static_cast<uInt>(piece);
      do {
        stream_.next_out = block.data();
        stream_.avail_out = static_cast<uInt>(block.size());
        deflate(&stream_, flush);
        output_->insert(output_->end(), block.data(),
                        block.data() + (block.size() - stream_.avail_out));
      } while (stream_.avail_out == 0);
      bytes = bytes.subspan(piece);
      if (bytes.empty())
        return;
    }
  }

private:
  z_stream stream_{};
  bson_bytes* output_ = nullptr;
};

} // namespace

bson_bytes deflate_message(std::span<const std::uint8_t> document) {
  bson_bytes result;
  if (document.size() <= stored_bytes) {
    auto size = static_cast<std::uint16_t>(document.size());
    auto low = static_cast<std::uint8_t>(size);
    auto high = static_cast<std::uint8_t>(size >> 8);
    result.reserve(document.size() + 32);
    result.insert(result.end(),
                  {0x01, low, high, static_cast<std::uint8_t>(~low),
                   static_cast<std::uint8_t>(~high)});
    result.insert(result.end(), document.begin(), document.end());
    return result;
  }
  if (document.size() <= small_bytes) {
    // Most are small; each thread keeps what they need.
    thread_local deflater stream{true};
    result.reserve(document.size() / 2 + 64);
    stream.begin(result);
    stream.add(document, Z_FINISH);
    return result;
  }
  result.reserve(document.size() / 4);
  deflater stream{false};
  stream.begin(result);
  if (document.size() <= net_buffer_bytes) {
    stream.add(document, Z_FINISH);
    return result;
  }
  // The last compressed byte must be needed for the last byte of the document:
  // a receiver that stops there has consumed everything.
  stream.add(document.first(document.size() - 1), Z_SYNC_FLUSH);
  result.insert(result.end(), {0x01, 0x01, 0x00, 0xFE, 0xFF, document.back()});
  return result;
}

} // namespace cuttle::halibut
