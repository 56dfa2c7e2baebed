#include <algorithm>
#include <array>
#include <string_view>

#include "infra/crypto/cipher.hpp"
#include "infra/sim/octopus_server.hpp"

namespace cuttle::sim {

namespace {

bool alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
         || (c >= 'a' && c <= 'z');
}

// Without vowels and digits that read as one, in lower case.
constexpr std::string_view subscription_letters
  = "bcdefghjklmnpqrstuvwxyz23456789";
constexpr std::size_t subscription_length = 20;

// The largest multiple of the number of letters that a byte can hold; bytes
// from there on would favour the first letters.
constexpr std::size_t fair_bytes = 256 - 256 % subscription_letters.size();

} // namespace

script_ticket make_ticket() {
  std::array<std::uint8_t, 16> bytes;
  script_ticket result;
  // Sixteen bytes without one letter or digit in their Base64 do not happen;
  // an empty ticket would be a wrong one all the same.
  while (result.task_id.empty()) {
    crypto::random_bytes(bytes);
    result.task_id = crypto::to_base64(bytes);
    std::erase_if(result.task_id, [](char c) { return !alphanumeric(c); });
  }
  return result;
}

std::string make_subscription() {
  std::string name;
  while (name.size() < subscription_length) {
    std::array<std::uint8_t, subscription_length> bytes;
    crypto::random_bytes(bytes);
    for (auto byte : bytes)
      if (byte < fair_bytes && name.size() < subscription_length)
        name += subscription_letters[byte % subscription_letters.size()];
  }
  return "poll://" + name + "/";
}

} // namespace cuttle::sim
