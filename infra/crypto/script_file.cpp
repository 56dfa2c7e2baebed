#include <limits>
#include <openssl/crypto.h>
#include <stdexcept>

#include "infra/crypto/cipher.hpp"
#include "infra/crypto/openssl.hpp"
#include "infra/crypto/text_encoding.hpp"

namespace cuttle::crypto {

namespace {

constexpr std::string_view magic = "IV__";
constexpr std::string_view salt = "Octopuss";
constexpr int iterations = 1000;
constexpr std::size_t block_size = 16;

struct file_key {
  std::array<std::uint8_t, 16> value{};
  file_key() = default;
  file_key(const file_key&) = delete;
  file_key& operator=(const file_key&) = delete;
  ~file_key() {
    OPENSSL_cleanse(value.data(), value.size());
  }
};

void derive(std::string_view password, file_key& key) {
  static const auto* digest = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  if (digest == nullptr
      || PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                           as_bytes(salt).data(), static_cast<int>(salt.size()),
                           iterations, digest,
                           static_cast<int>(key.value.size()), key.value.data())
           != 1)
    throw_openssl_error("derive a file key");
}

} // namespace

bytes encrypt_script_file(std::string_view password, byte_span contents,
                          std::span<const std::uint8_t, 16> iv) {
  constexpr auto limit
    = static_cast<std::size_t>(std::numeric_limits<int>::max()) - 64;
  prepare_openssl();
  auto text = decode_text(contents);
  if (text.size() > limit || password.size() > limit)
    throw std::length_error("a text of 2 GiB can not be enciphered at once");
  file_key key;
  derive(password, key);
  static const auto* cipher = EVP_CIPHER_fetch(nullptr, "AES-128-CBC", nullptr);
  bytes result(magic.size() + iv.size() + text.size() + block_size);
  auto out = std::copy(magic.begin(), magic.end(), result.begin());
  out = std::copy(iv.begin(), iv.end(), out);
  auto* body = &*out;
  int written = 0;
  int rest = 0;
  cipher_context context{EVP_CIPHER_CTX_new()};
  if (cipher == nullptr || !context
      || EVP_EncryptInit_ex2(context.get(), cipher, key.value.data(), iv.data(),
                             nullptr)
           != 1
      || EVP_EncryptUpdate(context.get(), body, &written, as_bytes(text).data(),
                           static_cast<int>(text.size()))
           != 1
      || EVP_EncryptFinal_ex(context.get(), body + written, &rest) != 1)
    throw_openssl_error("encipher a file");
  OPENSSL_cleanse(text.data(), text.size());
  result.resize(magic.size() + iv.size()
                + static_cast<std::size_t>(written + rest));
  return result;
}

} // namespace cuttle::crypto
