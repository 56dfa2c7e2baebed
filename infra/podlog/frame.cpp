#include "infra/podlog/frame.hpp"

#include <charconv>
#include <cstring>

#include "infra/podlog/gcm.hpp"

namespace cuttle::podlog {

namespace {

// Two digits for each byte.
constexpr auto hex_pairs = [] {
  std::array<char, 512> result{};
  constexpr std::string_view digits = "0123456789abcdef";
  for (std::size_t i = 0; i < 256; ++i) {
    result[2 * i] = digits[i >> 4];
    result[2 * i + 1] = digits[i & 15];
  }
  return result;
}();

std::string_view source_name(output_source source) {
  switch (source) {
  case output_source::err:
    return "stderr";
  case output_source::debug:
    return "debug";
  default:
    return "stdout";
  }
}

// Random bytes come in bulk: one call for 64 nonces.
class nonce_source {
public:
  std::span<const std::uint8_t, gcm::nonce_size> next() {
    if (used_ == pool_.size()) {
      crypto::random_bytes(pool_);
      used_ = 0;
    }
    auto* begin = pool_.data() + used_;
    used_ += gcm::nonce_size;
    return std::span<const std::uint8_t, gcm::nonce_size>{begin,
                                                          gcm::nonce_size};
  }

private:
  std::array<std::uint8_t, 64 * gcm::nonce_size> pool_;
  std::size_t used_ = pool_.size();
};

} // namespace

struct frame_sealer::impl {
  explicit impl(std::span<const std::uint8_t> key)
    : cipher(key, gcm::use::sealing) {}

  gcm cipher;
  nonce_source nonces;
  std::vector<std::uint8_t> sealed;
};

frame_sealer::frame_sealer(std::span<const std::uint8_t> key)
  : impl_(std::make_unique<impl>(key)) {}

frame_sealer::~frame_sealer() = default;
frame_sealer::frame_sealer(frame_sealer&&) noexcept = default;
frame_sealer& frame_sealer::operator=(frame_sealer&&) noexcept = default;

void frame_sealer::append(std::string& out, std::int64_t number,
                          output_source source, std::string_view text) {
  auto size = text.size() + gcm::nonce_size + gcm::tag_size;
  auto& sealed = impl_->sealed;
  if (sealed.size() < size)
    sealed.resize(size);
  impl_->cipher.seal(impl_->nonces.next(), text, sealed.data());
  std::array<char, 24> digits;
  auto end = std::to_chars(digits.begin(), digits.end(), number).ptr;
  out += "|e|";
  out.append(digits.data(), end);
  out += '|';
  out += source_name(source);
  out += '|';
  auto start = out.size();
  out.resize(start + 2 * size + 1);
  auto* to = out.data() + start;
  for (std::size_t i = 0; i < size; ++i, to += 2)
    std::memcpy(to, hex_pairs.data() + 2 * std::size_t{sealed[i]}, 2);
  *to = '\n';
}

void append_frame(std::string& out, const crypto::log_key& key,
                  std::int64_t number, output_source source,
                  std::string_view text) {
  frame_sealer{key.value}.append(out, number, source, text);
}

std::string end_marker_text(std::int32_t exit_code) {
  return std::string{end_marker_id} + "<<>>" + std::to_string(exit_code);
}

} // namespace cuttle::podlog
