#include "infra/sim/cluster_certificate.hpp"

#include <memory>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace cuttle::sim {

namespace {

constexpr long one_day = 24 * 60 * 60;

template <auto Free>
struct deleter {
  template <class T>
  void operator()(T* ptr) const {
    Free(ptr);
  }
};

using key_ptr = std::unique_ptr<EVP_PKEY, deleter<&EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, deleter<&X509_free>>;
using extension_ptr
  = std::unique_ptr<X509_EXTENSION, deleter<&X509_EXTENSION_free>>;
using bio_ptr = std::unique_ptr<BIO, deleter<&BIO_free_all>>;

bool add_extension(X509* certificate, int id, const char* text) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  extension_ptr extension{X509V3_EXT_conf_nid(nullptr, &context, id, text)};
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool fill(X509* certificate, EVP_PKEY* key) {
  auto* name = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>("embedded-cluster");
  return X509_set_version(certificate, 2) == 1
         && ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1
         && X509_gmtime_adj(X509_getm_notBefore(certificate), -one_day)
         && X509_gmtime_adj(X509_getm_notAfter(certificate), 365 * one_day)
         && X509_set_pubkey(certificate, key) == 1
         && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1,
                                       0)
              == 1
         && X509_set_issuer_name(certificate, name) == 1
         && add_extension(certificate, NID_basic_constraints,
                          "critical,CA:TRUE")
         && add_extension(certificate, NID_key_usage,
                          "critical,digitalSignature,keyCertSign")
         && add_extension(certificate, NID_ext_key_usage, "serverAuth")
         && add_extension(certificate, NID_subject_key_identifier, "hash")
         && add_extension(certificate, NID_subject_alt_name,
                          "IP:127.0.0.1,DNS:localhost")
         && X509_sign(certificate, key, EVP_sha256()) > 0;
}

std::string content(BIO* bio) {
  char* data = nullptr;
  auto size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

} // namespace

outcome<api_certificate> make_api_certificate() {
  key_ptr key{EVP_EC_gen("P-256")};
  certificate_ptr certificate{X509_new()};
  bio_ptr certificate_text{BIO_new(BIO_s_mem())};
  bio_ptr key_text{BIO_new(BIO_s_mem())};
  if (!key || !certificate || !certificate_text || !key_text
      || !fill(certificate.get(), key.get())
      || PEM_write_bio_X509(certificate_text.get(), certificate.get()) != 1
      || PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr,
                                  0, nullptr, nullptr)
           != 1)
    return fail(errc::internal,
                "OpenSSL could not make the embedded cluster's certificate");
  return api_certificate{content(certificate_text.get()),
                         content(key_text.get())};
}

} // namespace cuttle::sim
