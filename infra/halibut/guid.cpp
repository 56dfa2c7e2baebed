#include <array>
#include <cstdint>
#include <openssl/rand.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "infra/halibut/rpc.hpp"

namespace cuttle::halibut {

namespace {

// Position of each byte of the text form in the wire form: the first three
// groups are little-endian (`halibut` 10.3).
constexpr std::array<std::size_t, 16> wire_position
  = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

constexpr bool dash_before(std::size_t byte) {
  return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

} // namespace

guid make_guid() {
  guid result;
  if (RAND_bytes(result.data(), static_cast<int>(result.size())) != 1)
    throw std::runtime_error{"the system has no random bytes"};
  // Version 4 is the high half of the third group, whose bytes are swapped.
  result[7] = static_cast<std::uint8_t>((result[7] & 0x0F) | 0x40);
  result[8] = static_cast<std::uint8_t>((result[8] & 0x3F) | 0x80);
  return result;
}

std::string to_string(const guid& x) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  result.reserve(36);
  for (std::size_t i = 0; i < wire_position.size(); ++i) {
    if (dash_before(i))
      result += '-';
    auto byte = x[wire_position[i]];
    result += digits[byte >> 4];
    result += digits[byte & 0x0F];
  }
  return result;
}

std::optional<guid> parse_guid(std::string_view text) {
  if (text.size() != 36)
    return std::nullopt;
  guid result;
  std::size_t at = 0;
  for (std::size_t i = 0; i < wire_position.size(); ++i) {
    if (dash_before(i) && text[at++] != '-')
      return std::nullopt;
    auto high = hex_value(text[at++]);
    auto low = hex_value(text[at++]);
    if (high < 0 || low < 0)
      return std::nullopt;
    result[wire_position[i]] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return result;
}

} // namespace cuttle::halibut
