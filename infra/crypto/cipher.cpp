#include "infra/crypto/cipher.hpp"

#include <limits>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdexcept>

#include "infra/crypto/openssl.hpp"

namespace cuttle::crypto {

namespace {

constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;
constexpr std::size_t block_size = 16;
constexpr int log_key_iterations = 1000;
constexpr auto max_input
  = static_cast<std::size_t>(std::numeric_limits<int>::max()) - 64;

// Fetched once: an implicit fetch for each line would take a lock.
const EVP_CIPHER* fetched(const char* name) {
  prepare_openssl();
  auto* result = EVP_CIPHER_fetch(nullptr, name, nullptr);
  if (result == nullptr)
    throw_openssl_error("find a cipher");
  return result;
}

const EVP_CIPHER* gcm() {
  static const auto* cipher = fetched("AES-256-GCM");
  return cipher;
}

cipher_context make_context() {
  cipher_context context{EVP_CIPHER_CTX_new()};
  if (!context)
    throw_openssl_error("make a cipher context");
  return context;
}

int checked_size(std::size_t size) {
  if (size > max_input)
    throw std::length_error("a text of 2 GiB can not be enciphered at once");
  return static_cast<int>(size);
}

} // namespace

log_key::~log_key() {
  OPENSSL_cleanse(value.data(), value.size());
}

void random_bytes(std::span<std::uint8_t> out) {
  prepare_openssl();
  if (RAND_bytes_ex(nullptr, out.data(), out.size(), 0) != 1)
    throw_openssl_error("get random bytes");
}

log_key derive_log_key(byte_span machine_key, std::string_view ticket) {
  prepare_openssl();
  static const auto* digest = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  log_key result;
  auto salt = as_bytes(ticket);
  if (digest == nullptr
      || PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(machine_key.data()),
                           checked_size(machine_key.size()), salt.data(),
                           checked_size(salt.size()), log_key_iterations,
                           digest, static_cast<int>(result.value.size()),
                           result.value.data())
           != 1)
    throw_openssl_error("derive a log key");
  return result;
}

bytes seal(const log_key& key, std::span<const std::uint8_t, 12> nonce,
           std::string_view text) {
  auto size = checked_size(text.size());
  bytes result(nonce_size + text.size() + tag_size);
  std::copy(nonce.begin(), nonce.end(), result.begin());
  auto context = make_context();
  auto* body = result.data() + nonce_size;
  auto* tag = body + text.size();
  int written = 0;
  int rest = 0;
  if (EVP_EncryptInit_ex2(context.get(), gcm(), key.value.data(), nonce.data(),
                          nullptr)
        != 1
      || EVP_EncryptUpdate(context.get(), body, &written, as_bytes(text).data(),
                           size)
           != 1
      || EVP_EncryptFinal_ex(context.get(), tag, &rest) != 1
      || EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG,
                             static_cast<int>(tag_size), tag)
           != 1)
    throw_openssl_error("seal a line");
  return result;
}

std::optional<std::string> open(const log_key& key, byte_span sealed) {
  if (sealed.size() < nonce_size + tag_size || sealed.size() > max_input)
    return std::nullopt;
  auto size = sealed.size() - nonce_size - tag_size;
  std::string result(size, '\0');
  std::array<std::uint8_t, tag_size> tag;
  std::copy(sealed.end() - tag_size, sealed.end(), tag.begin());
  auto context = make_context();
  auto* body = reinterpret_cast<unsigned char*>(result.data());
  std::array<unsigned char, block_size> nothing;
  int written = 0;
  int rest = 0;
  if (EVP_DecryptInit_ex2(context.get(), gcm(), key.value.data(), sealed.data(),
                          nullptr)
        != 1
      || EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG,
                             static_cast<int>(tag_size), tag.data())
           != 1)
    throw_openssl_error("open a line");
  if (EVP_DecryptUpdate(context.get(), body, &written,
                        sealed.data() + nonce_size, static_cast<int>(size))
        != 1
      || EVP_DecryptFinal_ex(context.get(), nothing.data(), &rest) != 1) {
    OPENSSL_cleanse(result.data(), result.size());
    take_openssl_error();
    return std::nullopt;
  }
  return result;
}

bytes encrypt_setting(byte_span machine_key, byte_span machine_iv,
                      std::string_view text) {
  if (machine_key.size() != 32 || machine_iv.size() != block_size)
    throw std::invalid_argument("the machine key must have 32 bytes and its "
                                "initialisation vector 16");
  static const auto* cipher = fetched("AES-256-CBC");
  auto size = checked_size(text.size());
  bytes result(text.size() + block_size);
  auto context = make_context();
  int written = 0;
  int rest = 0;
  if (EVP_EncryptInit_ex2(context.get(), cipher, machine_key.data(),
                          machine_iv.data(), nullptr)
        != 1
      || EVP_EncryptUpdate(context.get(), result.data(), &written,
                           as_bytes(text).data(), size)
           != 1
      || EVP_EncryptFinal_ex(context.get(), result.data() + written, &rest)
           != 1)
    throw_openssl_error("encipher a setting");
  result.resize(static_cast<std::size_t>(written + rest));
  return result;
}

outcome<secret_bytes> decrypt_setting(byte_span machine_key,
                                      byte_span machine_iv, byte_span sealed) {
  if (machine_key.size() != 32 || machine_iv.size() != block_size)
    return fail(errc::invalid_request, "the machine key must have 32 bytes and "
                                       "its initialisation vector 16");
  if (sealed.empty() || sealed.size() % block_size != 0
      || sealed.size() > max_input)
    return fail(errc::invalid_request, "the encrypted value is cut off or was "
                                       "not written by a worker");
  static const auto* cipher = fetched("AES-256-CBC");
  secret_bytes result(sealed.size() + block_size);
  auto context = make_context();
  auto* out = result.data();
  int written = 0;
  int rest = 0;
  if (EVP_DecryptInit_ex2(context.get(), cipher, machine_key.data(),
                          machine_iv.data(), nullptr)
        != 1
      || EVP_DecryptUpdate(context.get(), out, &written, sealed.data(),
                           static_cast<int>(sealed.size()))
           != 1
      || EVP_DecryptFinal_ex(context.get(), out + written, &rest) != 1) {
    take_openssl_error();
    return fail(errc::invalid_request, "the encrypted value does not belong to "
                                       "this machine key");
  }
  result.resize(static_cast<std::size_t>(written + rest));
  return result;
}

} // namespace cuttle::crypto
