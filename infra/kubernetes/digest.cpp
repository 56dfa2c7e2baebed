#include "infra/kubernetes/digest.hpp"

#include <array>
#include <openssl/evp.h>
#include <stdexcept>

namespace cuttle::kubernetes {

std::string sha1(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), sum.data(), &size, EVP_sha1(),
                 nullptr)
      != 1)
    throw std::runtime_error("OpenSSL has no SHA-1.");
  return {sum.begin(), sum.begin() + size};
}

std::string upper_hex(std::string_view bytes) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result;
  result.reserve(bytes.size() * 2);
  for (auto c : bytes) {
    auto byte = static_cast<unsigned char>(c);
    result += digits[byte >> 4];
    result += digits[byte & 15];
  }
  return result;
}

namespace {

constexpr std::string_view alphabet
  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

} // namespace

std::string base64(std::string_view bytes) {
  std::string result;
  result.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    auto at = [&](size_t k) -> unsigned {
      return i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k])
                                  : 0u;
    };
    auto word = at(0) << 16 | at(1) << 8 | at(2);
    result += alphabet[word >> 18 & 63];
    result += alphabet[word >> 12 & 63];
    result += i + 1 < bytes.size() ? alphabet[word >> 6 & 63] : '=';
    result += i + 2 < bytes.size() ? alphabet[word & 63] : '=';
  }
  return result;
}

std::optional<std::string> base64_decoded(std::string_view text) {
  if (text.size() % 4 != 0)
    return {};
  std::string result;
  result.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    auto last = i + 4 == text.size();
    size_t padding = 0;
    if (last && text[i + 3] == '=')
      padding = text[i + 2] == '=' ? 2 : 1;
    unsigned word = 0;
    for (size_t k = 0; k < 4; ++k) {
      auto digit = k + padding >= 4 ? 0 : alphabet.find(text[i + k]);
      if (digit == std::string_view::npos)
        return {};
      word = word << 6 | static_cast<unsigned>(digit);
    }
    for (size_t k = 0; k < 3 - padding; ++k)
      result += static_cast<char>(word >> (16 - 8 * k) & 255);
  }
  return result;
}

} // namespace cuttle::kubernetes
