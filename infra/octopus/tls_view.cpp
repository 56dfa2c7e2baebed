#include "infra/octopus/tls_view.hpp"

#include <ctime>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "infra/crypto/cipher.hpp"
#include "infra/crypto/openssl.hpp"
#include "infra/octopus/mistake.hpp"

namespace cuttle::octopus {

namespace {

std::string name_of(const X509_NAME* name) {
  crypto::bio_ptr out{BIO_new(BIO_s_mem())};
  if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0)
    return {};
  char* data = nullptr;
  auto size = BIO_get_mem_data(out.get(), &data);
  return one_line({data, static_cast<std::size_t>(size)}, 200);
}

std::string day_of(const ASN1_TIME* time) {
  tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1)
    return "an unknown day";
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%d", &parts);
  return text;
}

std::string thumbprint_of(const X509* certificate) {
  unsigned char* der = nullptr;
  auto size = i2d_X509(certificate, &der);
  if (size <= 0)
    return {};
  auto result = crypto::sha1_hex_upper({der, static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return result;
}

void note(tls_view& view, const X509* certificate) {
  view.subject = name_of(X509_get_subject_name(certificate));
  view.issuer = name_of(X509_get_issuer_name(certificate));
  view.not_before = day_of(X509_get0_notBefore(certificate));
  view.not_after = day_of(X509_get0_notAfter(certificate));
}

int check(X509_STORE_CTX* context, void* argument) {
  auto& rules = *static_cast<tls_rules*>(argument);
  rules.seen = {};
  if (auto* own = X509_STORE_CTX_get0_cert(context)) {
    note(rules.seen, own);
    rules.seen.thumbprint = thumbprint_of(own);
  }
  if (!rules.verify) {
    X509_STORE_CTX_set_error(context, X509_V_OK);
    return 1;
  }
  auto good = X509_verify_cert(context);
  if (good != 1) {
    rules.seen.verify_error = X509_STORE_CTX_get_error(context);
    if (auto* bad = X509_STORE_CTX_get_current_cert(context))
      note(rules.seen, bad);
  }
  return good;
}

// Calls `use` for each certificate of a PEM text.
template <class Use>
std::size_t each_certificate(const std::string& pem, Use use) {
  crypto::prepare_openssl();
  std::size_t count = 0;
  crypto::bio_ptr in{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  for (;;) {
    crypto::certificate_ptr one{
      PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)};
    if (!one)
      break;
    use(one.get());
    ++count;
  }
  // The end of the text is an error to OpenSSL.
  crypto::take_openssl_error();
  return count;
}

} // namespace

std::size_t count_certificates(const std::string& pem) {
  return each_certificate(pem, [](X509*) {});
}

bool apply(tls_rules& rules, SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cert_verify_callback(context, &check, &rules);
  if (rules.ca_pem.empty())
    return true;
  auto* store = SSL_CTX_get_cert_store(context);
  // A server's own certificate may be given instead of its authority's.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return each_certificate(
           rules.ca_pem,
           [store](X509* one) { X509_STORE_add_cert(store, one); })
         > 0;
}

} // namespace cuttle::octopus
