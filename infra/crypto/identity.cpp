#include "infra/crypto/identity.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "infra/crypto/certificate.hpp"
#include "infra/crypto/cipher.hpp"
#include "infra/crypto/pkcs12.hpp"

namespace cuttle::crypto {

namespace {

constexpr std::size_t max_pem_bytes = 1024 * 1024;

// Without this OpenSSL would ask for a pass phrase at the terminal.
int no_password(char*, int, int, void*) {
  return -1;
}

outcome<std::string> thumbprint_of(X509* certificate) {
  unsigned char* der = nullptr;
  auto size = i2d_X509(certificate, &der);
  if (size <= 0)
    return fail(errc::invalid_request,
                "the certificate can not be encoded: " + take_openssl_error());
  auto result = sha1_hex_upper({der, static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return result;
}

} // namespace

struct identity::impl {
  key_pair pair;
  std::string thumbprint;

  static outcome<identity> make(key_pair pair) {
    if (X509_check_private_key(pair.certificate.get(), pair.key.get()) != 1) {
      ERR_clear_error();
      return fail(errc::invalid_request,
                  "the private key does not belong to the certificate");
    }
    auto thumbprint = thumbprint_of(pair.certificate.get());
    if (!thumbprint)
      return tl::unexpected(thumbprint.error());
    identity result;
    result.impl_
      = std::make_shared<const impl>(impl{std::move(pair), *thumbprint});
    return result;
  }
};

outcome<identity> identity::generate(const std::string& common_name) {
  return make_certificate(common_name).and_then([](key_pair&& pair) {
    return impl::make(std::move(pair));
  });
}

outcome<identity> identity::from_pfx(std::span<const std::uint8_t> pfx) {
  return read_pkcs12(pfx).and_then(
    [](key_pair&& pair) { return impl::make(std::move(pair)); });
}

outcome<identity> identity::from_pem(std::string_view pem) {
  prepare_openssl();
  if (pem.size() > max_pem_bytes)
    return fail(errc::invalid_request, "a PEM file must not exceed 1 MiB");
  auto open = [pem] {
    return bio_ptr{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  };
  auto first = open();
  auto second = open();
  if (!first || !second)
    return fail(errc::internal, "out of memory while reading a PEM file");
  key_pair pair;
  pair.certificate.reset(
    PEM_read_bio_X509(first.get(), nullptr, no_password, nullptr));
  pair.key.reset(
    PEM_read_bio_PrivateKey(second.get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  if (!pair.certificate)
    return fail(
      errc::invalid_request,
      "the PEM text has no certificate (-----BEGIN CERTIFICATE-----)");
  if (!pair.key)
    return fail(errc::invalid_request,
                "the PEM text has no private key, or one with a password");
  return impl::make(std::move(pair));
}

const std::string& identity::thumbprint() const {
  static const std::string none;
  return impl_ ? impl_->thumbprint : none;
}

std::string identity::certificate_pem() const {
  if (!impl_)
    return {};
  bio_ptr out{BIO_new(BIO_s_mem())};
  if (!out || PEM_write_bio_X509(out.get(), impl_->pair.certificate.get()) != 1)
    throw_openssl_error("write a certificate");
  char* data = nullptr;
  auto size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

outcome<std::vector<std::uint8_t>> identity::to_pfx() const {
  if (!impl_)
    return fail(errc::not_found, "there is no certificate yet");
  return write_pkcs12(impl_->pair.certificate.get(), impl_->pair.key.get());
}

void* identity::x509() const {
  return impl_ ? impl_->pair.certificate.get() : nullptr;
}

void* identity::private_key() const {
  return impl_ ? impl_->pair.key.get() : nullptr;
}

std::string normalise_thumbprint(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (auto c : text) {
    if (c == ' ' || (c >= '\t' && c <= '\r'))
      continue;
    result += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return result;
}

} // namespace cuttle::crypto
