#include "infra/sim/octopus_rest_certificate.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "infra/crypto/cipher.hpp"
#include "infra/crypto/openssl.hpp"

namespace cuttle::sim {

namespace {

using crypto::bio_ptr;
using crypto::certificate_ptr;
using crypto::key_ptr;

using extension_ptr
  = std::unique_ptr<X509_EXTENSION,
                    crypto::openssl_deleter<X509_EXTENSION_free>>;

constexpr long one_day = 24 * 60 * 60;

bool extend(X509* certificate, X509* issuer, int id, const std::string& text) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  extension_ptr extension{
    X509V3_EXT_conf_nid(nullptr, &context, id, text.c_str())};
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

struct signer {
  X509* certificate;
  EVP_PKEY* key;
};

// Without `by`, the certificate is its own authority.
certificate_ptr make(const char* common_name, EVP_PKEY* key, long serial,
                     const rest_certificate_options& options,
                     const signer* by) {
  certificate_ptr made{X509_new()};
  auto* x = made.get();
  auto* issuer = by != nullptr ? by->certificate : x;
  auto* name = X509_get_subject_name(x);
  const auto* text = reinterpret_cast<const unsigned char*>(common_name);
  std::string names;
  for (auto& one : options.names)
    names += (names.empty() ? "" : ",") + one;
  auto good
    = X509_set_version(x, 2) == 1
      && ASN1_INTEGER_set(X509_get_serialNumber(x), serial) == 1
      && X509_gmtime_adj(X509_getm_notBefore(x), options.from_days * one_day)
      && X509_gmtime_adj(X509_getm_notAfter(x), options.to_days * one_day)
      && X509_set_pubkey(x, key) == 1
      && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0)
           == 1
      && X509_set_issuer_name(x, X509_get_subject_name(issuer)) == 1
      && extend(x, issuer, NID_basic_constraints,
                by != nullptr ? "critical,CA:FALSE" : "critical,CA:TRUE")
      && (by == nullptr || extend(x, issuer, NID_subject_alt_name, names))
      && X509_sign(x, by != nullptr ? by->key : key, EVP_sha256()) > 0;
  if (!good)
    made.reset();
  return made;
}

std::string content(BIO* bio) {
  char* data = nullptr;
  auto size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
  bio_ptr out{BIO_new(BIO_s_mem())};
  PEM_write_bio_X509(out.get(), certificate);
  return content(out.get());
}

} // namespace

outcome<rest_certificate>
make_rest_certificate(const rest_certificate_options& options) {
  crypto::prepare_openssl();
  key_ptr authority_key{EVP_EC_gen("P-256")};
  key_ptr key{EVP_EC_gen("P-256")};
  certificate_ptr authority;
  certificate_ptr certificate;
  if (authority_key && key)
    authority = make("embedded authority", authority_key.get(), 1, {}, nullptr);
  if (authority) {
    signer by{authority.get(), authority_key.get()};
    certificate = make("embedded-octopus", key.get(), 2, options, &by);
  }
  if (!certificate)
    return fail(errc::internal,
                "OpenSSL could not make the embedded server's certificate");
  bio_ptr out{BIO_new(BIO_s_mem())};
  PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr,
                           nullptr);
  unsigned char* der = nullptr;
  auto size = i2d_X509(certificate.get(), &der);
  auto print = size > 0
                 ? crypto::sha1_hex_upper({der, static_cast<std::size_t>(size)})
                 : std::string{};
  OPENSSL_free(der);
  return rest_certificate{pem_of(certificate.get()), content(out.get()),
                          pem_of(authority.get()), print};
}

} // namespace cuttle::sim
