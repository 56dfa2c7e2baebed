#include <algorithm>
#include <openssl/evp.h>

#include "infra/crypto/cipher.hpp"

namespace cuttle::crypto {

namespace {

constexpr std::string_view digits = "0123456789abcdef";

int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

bool white(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool base64_digit(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
         || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

template <class Bytes>
std::optional<Bytes> decode_base64(std::string_view text) {
  constexpr std::size_t piece = 4u << 20;
  Bytes packed;
  packed.reserve(text.size());
  std::size_t padding = 0;
  for (auto c : text) {
    if (white(c))
      continue;
    if (c == '=')
      ++padding;
    else if (!base64_digit(c) || padding > 0)
      return std::nullopt;
    packed.push_back(static_cast<std::uint8_t>(c));
  }
  if (packed.size() % 4 != 0 || padding > 2)
    return std::nullopt;
  Bytes result(packed.size() / 4 * 3);
  for (std::size_t i = 0; i < packed.size(); i += piece) {
    auto size = std::min(piece, packed.size() - i);
    if (EVP_DecodeBlock(result.data() + i / 4 * 3, packed.data() + i,
                        static_cast<int>(size))
        < 0)
      return std::nullopt;
  }
  result.erase(result.end() - static_cast<std::ptrdiff_t>(padding),
               result.end());
  return result;
}

} // namespace

std::string to_hex(byte_span data) {
  std::string result;
  result.reserve(2 * data.size());
  for (auto byte : data) {
    result += digits[byte >> 4];
    result += digits[byte & 15];
  }
  return result;
}

std::optional<bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0)
    return std::nullopt;
  bytes result;
  result.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    auto high = hex_value(text[i]);
    auto low = hex_value(text[i + 1]);
    if (high < 0 || low < 0)
      return std::nullopt;
    result.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return result;
}

// OpenSSL's block functions take an `int`, hence the pieces; each but the last
// is a whole number of groups.
std::string to_base64(byte_span data) {
  constexpr std::size_t piece = 3u << 20;
  std::string result((data.size() + 2) / 3 * 4 + 1, '\0');
  std::size_t used = 0;
  while (!data.empty()) {
    auto part = data.first(std::min(piece, data.size()));
    used += static_cast<std::size_t>(
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(result.data()) + used,
                      part.data(), static_cast<int>(part.size())));
    data = data.subspan(part.size());
  }
  result.resize(used);
  return result;
}

std::optional<bytes> from_base64(std::string_view text) {
  return decode_base64<bytes>(text);
}

std::optional<secret_bytes> secret_from_base64(std::string_view text) {
  return decode_base64<secret_bytes>(text);
}

} // namespace cuttle::crypto
