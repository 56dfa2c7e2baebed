#include "infra/crypto/pkcs12.hpp"

#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>

namespace cuttle::crypto {

namespace {

constexpr int iterations = 2000;

using pkcs12_ptr = std::unique_ptr<PKCS12, openssl_deleter<PKCS12_free>>;
using library_ptr
  = std::unique_ptr<OSSL_LIB_CTX, openssl_deleter<OSSL_LIB_CTX_free>>;
using provider_ptr
  = std::unique_ptr<OSSL_PROVIDER, openssl_deleter<OSSL_PROVIDER_unload>>;
using pkcs8_ptr = std::unique_ptr<PKCS8_PRIV_KEY_INFO,
                                  openssl_deleter<PKCS8_PRIV_KEY_INFO_free>>;

pkcs12_ptr decode(std::span<const std::uint8_t> pfx, OSSL_LIB_CTX* library) {
  // An object made beforehand carries the library context into the decoder.
  auto* made = PKCS12_init_ex(NID_pkcs7_data, library, nullptr);
  const auto* in = pfx.data();
  if (d2i_PKCS12(&made, &in, static_cast<long>(pfx.size())) == nullptr)
    made = nullptr;
  return pkcs12_ptr{made};
}

// The content with one of the passwords, or nothing.
key_pair unlock(PKCS12* pkcs12) {
  for (const char* password : {static_cast<const char*>(nullptr), ""}) {
    EVP_PKEY* key = nullptr;
    X509* certificate = nullptr;
    auto done = PKCS12_parse(pkcs12, password, &key, &certificate, nullptr);
    key_pair result{certificate_ptr{certificate}, key_ptr{key}};
    if (done == 1)
      return result;
  }
  return {};
}

// A key from another library context would take its algorithms from there.
key_ptr adopt(EVP_PKEY* key) {
  pkcs8_ptr info{EVP_PKEY2PKCS8(key)};
  return key_ptr{info ? EVP_PKCS82PKEY(info.get()) : nullptr};
}

certificate_ptr adopt(X509* certificate) {
  unsigned char* der = nullptr;
  auto size = i2d_X509(certificate, &der);
  if (size <= 0)
    return {};
  const unsigned char* in = der;
  certificate_ptr result{d2i_X509(nullptr, &in, size)};
  OPENSSL_free(der);
  return result;
}

key_pair unlock_legacy(std::span<const std::uint8_t> pfx) {
  library_ptr library{OSSL_LIB_CTX_new()};
  if (!library)
    return {};
  provider_ptr base{OSSL_PROVIDER_load(library.get(), "default")};
  provider_ptr legacy{OSSL_PROVIDER_load(library.get(), "legacy")};
  if (!base || !legacy)
    return {};
  auto pkcs12 = decode(pfx, library.get());
  if (!pkcs12)
    return {};
  auto found = unlock(pkcs12.get());
  if (!found.key || !found.certificate)
    return {};
  return {adopt(found.certificate.get()), adopt(found.key.get())};
}

} // namespace

outcome<key_pair> read_pkcs12(std::span<const std::uint8_t> pfx) {
  prepare_openssl();
  if (pfx.empty() || pfx.size() > max_pkcs12_bytes)
    return fail(errc::invalid_request,
                "a PKCS#12 file must have 1 byte to 1 MiB");
  auto pkcs12 = decode(pfx, nullptr);
  if (!pkcs12) {
    ERR_clear_error();
    return fail(errc::invalid_request, "the content is no PKCS#12 (PFX) file");
  }
  auto result = unlock(pkcs12.get());
  if (!result.key || !result.certificate) {
    auto legacy = unlock_legacy(pfx);
    if (legacy.key && legacy.certificate)
      result = std::move(legacy);
  }
  ERR_clear_error();
  if (!result.key || !result.certificate)
    return fail(errc::invalid_request,
                "the PKCS#12 (PFX) file can not be used: it must hold a "
                "certificate with its private key and must have no password; "
                "export it again without one");
  return result;
}

outcome<std::vector<std::uint8_t>> write_pkcs12(X509* certificate,
                                                EVP_PKEY* key) {
  prepare_openssl();
  constexpr auto cipher = NID_pbe_WithSHA1And3_Key_TripleDES_CBC;
  // No MAC yet (-1): its digest is to be SHA-1 as well.
  pkcs12_ptr pkcs12{PKCS12_create(nullptr, nullptr, key, certificate, nullptr,
                                  cipher, cipher, iterations, -1, 0)};
  if (!pkcs12
      || PKCS12_set_mac(pkcs12.get(), nullptr, 0, nullptr, 0, iterations,
                        EVP_sha1())
           != 1)
    return fail(errc::internal,
                "can not write a PKCS#12 file: " + take_openssl_error());
  auto size = i2d_PKCS12(pkcs12.get(), nullptr);
  if (size <= 0)
    return fail(errc::internal,
                "can not write a PKCS#12 file: " + take_openssl_error());
  std::vector<std::uint8_t> result(static_cast<std::size_t>(size));
  auto* out = result.data();
  i2d_PKCS12(pkcs12.get(), &out);
  return result;
}

} // namespace cuttle::crypto
