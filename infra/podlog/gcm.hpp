#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "infra/crypto/cipher.hpp"
#include "infra/crypto/openssl.hpp"

namespace cuttle::podlog {

/// AES-GCM with one key for many lines: OpenSSL's contexts are set up once and
/// reused, which a log of 100,000 lines a second needs. One thread at a time.
class gcm {
public:
  static constexpr std::size_t nonce_size = 12;
  static constexpr std::size_t tag_size = 16;

  /// What it is there for; each context takes 1 KB.
  enum class use : std::uint8_t { both, sealing, opening };

  /// Accepts keys of 16, 24 or 32 bytes [BR-03]; throws
  /// `std::invalid_argument` for others.
  explicit gcm(std::span<const std::uint8_t> key, use what = use::both);

  /// Writes nonce ‖ ciphertext ‖ tag to `out`, which has room for
  /// `text.size() + nonce_size + tag_size` bytes. Not with `use::opening`.
  void seal(std::span<const std::uint8_t, nonce_size> nonce,
            std::string_view text, std::uint8_t* out);

  /// The inverse of `seal`, into `text`; returns whether the tag fits. `text`
  /// is empty when it does not. Not with `use::sealing`.
  bool open(std::span<const std::uint8_t> sealed, std::string& text);

private:
  crypto::cipher_context sealing_;
  crypto::cipher_context opening_;
};

} // namespace cuttle::podlog
