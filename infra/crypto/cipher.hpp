#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "infra/crypto/secret.hpp"
#include "messages/failure.hpp"

namespace cuttle::crypto {

using bytes = std::vector<std::uint8_t>;
using byte_span = std::span<const std::uint8_t>;

/// A 32-byte log key [KEY-01]; overwritten with zeros when destroyed.
struct log_key {
  std::array<std::uint8_t, 32> value{};
  log_key() = default;
  log_key(const log_key&) = default;
  log_key& operator=(const log_key&) = default;
  ~log_key();
  friend bool operator==(const log_key&, const log_key&) = default;
};

/// Fills with random bytes of a cryptographic generator. Throws when the
/// system has none, which is a broken machine.
void random_bytes(std::span<std::uint8_t> out);

/// Log key of a ticket: PBKDF2-HMAC-SHA256 over the machine key with the ticket
/// as received for salt, 1000 iterations [KEY-01].
log_key derive_log_key(byte_span machine_key, std::string_view ticket);

/// AES-256-GCM: returns nonce ‖ ciphertext ‖ tag [BR-04].
bytes seal(const log_key& key, std::span<const std::uint8_t, 12> nonce,
           std::string_view text);

/// The inverse of `seal`; nothing when the tag does not fit.
std::optional<std::string> open(const log_key& key, byte_span sealed);

/// AES-256-CBC with PKCS#7, for settings at rest [CFG-13].
bytes encrypt_setting(byte_span machine_key, byte_span machine_iv,
                      std::string_view text);
outcome<secret_bytes> decrypt_setting(byte_span machine_key,
                                      byte_span machine_iv, byte_span sealed);

/// Content of an encrypted workspace file: `IV__` ‖ IV ‖ AES-128-CBC of the
/// text [WS-05]. A leading UTF-8/16/32 byte order mark selects the encoding of
/// `contents` and is dropped.
bytes encrypt_script_file(std::string_view password, byte_span contents,
                          std::span<const std::uint8_t, 16> iv);

/// Digests; hex in the given case.
std::string sha1_hex_lower(byte_span data);
std::string sha1_hex_upper(byte_span data);
std::array<std::uint8_t, 20> sha1(byte_span data);
std::array<std::uint8_t, 32> sha256(byte_span data);

/// Streaming SHA-1, for files.
class sha1_stream {
public:
  sha1_stream();
  ~sha1_stream();
  sha1_stream(const sha1_stream&) = delete;
  sha1_stream& operator=(const sha1_stream&) = delete;
  void update(byte_span data);
  /// Lower-case hex; call once.
  std::string finish();

private:
  void* context_;
};

/// Hex and Base64. Decoders return nothing for malformed text; Base64 ignores
/// white space [BR-03].
std::string to_hex(byte_span data);
std::optional<bytes> from_hex(std::string_view text);
std::string to_base64(byte_span data);
std::optional<bytes> from_base64(std::string_view text);
/// The same for what is secret.
std::optional<secret_bytes> secret_from_base64(std::string_view text);

/// The text of bytes.
inline std::string_view as_text(byte_span data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}

/// The bytes of a text.
inline byte_span as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

} // namespace cuttle::crypto
