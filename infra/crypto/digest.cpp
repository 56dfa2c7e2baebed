#include <stdexcept>

#include "infra/crypto/cipher.hpp"
#include "infra/crypto/openssl.hpp"

namespace cuttle::crypto {

namespace {

const EVP_MD* fetched(const char* name) {
  prepare_openssl();
  auto* result = EVP_MD_fetch(nullptr, name, nullptr);
  if (result == nullptr)
    throw_openssl_error("find a digest");
  return result;
}

const EVP_MD* sha1_algorithm() {
  static const auto* algorithm = fetched("SHA1");
  return algorithm;
}

template <std::size_t Size>
std::array<std::uint8_t, Size> digest(const EVP_MD* algorithm, byte_span data) {
  std::array<std::uint8_t, Size> result;
  unsigned size = 0;
  if (EVP_Digest(data.data(), data.size(), result.data(), &size, algorithm,
                 nullptr)
        != 1
      || size != Size)
    throw_openssl_error("compute a digest");
  return result;
}

std::string upper(std::string hex) {
  for (auto& c : hex)
    if (c >= 'a')
      c = static_cast<char>(c - 'a' + 'A');
  return hex;
}

} // namespace

std::array<std::uint8_t, 20> sha1(byte_span data) {
  return digest<20>(sha1_algorithm(), data);
}

std::array<std::uint8_t, 32> sha256(byte_span data) {
  static const auto* algorithm = fetched("SHA2-256");
  return digest<32>(algorithm, data);
}

std::string sha1_hex_lower(byte_span data) {
  return to_hex(sha1(data));
}

std::string sha1_hex_upper(byte_span data) {
  return upper(to_hex(sha1(data)));
}

sha1_stream::sha1_stream() : context_(nullptr) {
  digest_context context{EVP_MD_CTX_new()};
  if (!context
      || EVP_DigestInit_ex2(context.get(), sha1_algorithm(), nullptr) != 1)
    throw_openssl_error("start a digest");
  context_ = context.release();
}

sha1_stream::~sha1_stream() {
  EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_));
}

void sha1_stream::update(byte_span data) {
  if (EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), data.data(),
                       data.size())
      != 1)
    throw_openssl_error("continue a digest");
}

std::string sha1_stream::finish() {
  std::array<std::uint8_t, 20> result;
  unsigned size = 0;
  if (EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), result.data(),
                         &size)
        != 1
      || size != result.size())
    throw_openssl_error("finish a digest");
  return to_hex(result);
}

} // namespace cuttle::crypto
