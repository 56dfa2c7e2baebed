#include "infra/podlog/gcm.hpp"

#include <limits>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdexcept>

namespace cuttle::podlog {

namespace {

constexpr auto max_input
  = static_cast<std::size_t>(std::numeric_limits<int>::max()) - 64;

const char* algorithm(std::size_t key_size) {
  switch (key_size) {
  case 16:
    return "AES-128-GCM";
  case 24:
    return "AES-192-GCM";
  case 32:
    return "AES-256-GCM";
  default:
    throw std::invalid_argument("a log key has 16, 24 or 32 bytes");
  }
}

// Fetched once for each size and kept for the life of the process.
const EVP_CIPHER* cipher(std::size_t key_size) {
  crypto::prepare_openssl();
  auto fetch = [](std::size_t size) {
    auto* result = EVP_CIPHER_fetch(nullptr, algorithm(size), nullptr);
    if (result == nullptr)
      crypto::throw_openssl_error("find AES-GCM");
    return result;
  };
  if (key_size == 32) {
    static const auto* usual = fetch(32);
    return usual;
  }
  if (key_size == 24) {
    static const auto* middle = fetch(24);
    return middle;
  }
  algorithm(key_size);
  static const auto* small = fetch(16);
  return small;
}

crypto::cipher_context make_context(std::span<const std::uint8_t> key,
                                    int sealing) {
  const auto* type = cipher(key.size());
  crypto::cipher_context result{EVP_CIPHER_CTX_new()};
  if (!result
      || EVP_CipherInit_ex2(result.get(), type, key.data(), nullptr, sealing,
                            nullptr)
           != 1)
    crypto::throw_openssl_error("set up AES-GCM");
  return result;
}

} // namespace

gcm::gcm(std::span<const std::uint8_t> key, use what) {
  if (what != use::opening)
    sealing_ = make_context(key, 1);
  if (what != use::sealing)
    opening_ = make_context(key, 0);
}

void gcm::seal(std::span<const std::uint8_t, nonce_size> nonce,
               std::string_view text, std::uint8_t* out) {
  if (text.size() > max_input)
    throw std::length_error("a line of 2 GiB can not be sealed");
  std::copy(nonce.begin(), nonce.end(), out);
  auto* body = out + nonce_size;
  auto* context = sealing_.get();
  int written = 0;
  int rest = 0;
  if (EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) != 1
      || EVP_EncryptUpdate(context, body, &written,
                           crypto::as_bytes(text).data(),
                           static_cast<int>(text.size()))
           != 1
      || EVP_EncryptFinal_ex(context, body + written, &rest) != 1
      || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG,
                             static_cast<int>(tag_size), body + text.size())
           != 1)
    crypto::throw_openssl_error("seal a line");
}

bool gcm::open(std::span<const std::uint8_t> sealed, std::string& text) {
  text.clear();
  if (sealed.size() < nonce_size + tag_size || sealed.size() > max_input)
    return false;
  auto size = sealed.size() - nonce_size - tag_size;
  std::array<std::uint8_t, tag_size> tag;
  std::copy(sealed.end() - tag_size, sealed.end(), tag.begin());
  text.resize(size);
  auto* context = opening_.get();
  auto* body = reinterpret_cast<unsigned char*>(text.data());
  std::array<unsigned char, 16> nothing;
  int written = 0;
  int rest = 0;
  if (EVP_DecryptInit_ex2(context, nullptr, nullptr, sealed.data(), nullptr)
        != 1
      || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG,
                             static_cast<int>(tag_size), tag.data())
           != 1)
    crypto::throw_openssl_error("open a line");
  if (EVP_DecryptUpdate(context, body, &written, sealed.data() + nonce_size,
                        static_cast<int>(size))
        != 1
      || EVP_DecryptFinal_ex(context, nothing.data(), &rest) != 1) {
    OPENSSL_cleanse(text.data(), text.size());
    text.clear();
    ERR_clear_error();
    return false;
  }
  return true;
}

} // namespace cuttle::podlog
