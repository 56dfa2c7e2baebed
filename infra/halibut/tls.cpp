#include "infra/halibut/tls.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string_view>

namespace cuttle::halibut {

namespace {

int trust_index() {
  static const int index
    = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

std::string thumbprint_of(const X509* certificate) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
  unsigned size = 0;
  std::string result;
  if (X509_digest(certificate, EVP_sha1(), hash.data(), &size) != 1)
    return result;
  for (unsigned i = 0; i < size; ++i) {
    result += digits[hash[i] >> 4];
    result += digits[hash[i] & 0x0F];
  }
  return result;
}

/// Takes the place of chain building altogether: the thumbprint decides.
int verify(X509_STORE_CTX* store, void*) {
  auto connection = static_cast<SSL*>(
    X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto trust
    = static_cast<tls_trust*>(SSL_get_ex_data(connection, trust_index()));
  auto certificate = X509_STORE_CTX_get0_cert(store);
  if (!trust || !certificate) {
    X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
    return 0;
  }
  trust->seen = thumbprint_of(certificate);
  auto& pinned = trust->pinned;
  if (!trust->anybody
      && std::find(pinned.begin(), pinned.end(), trust->seen) == pinned.end()) {
    // Becomes the alert bad_certificate.
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
  }
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

std::string last_error() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_peek_last_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

bool use_identity(SSL_CTX* context, const crypto::identity& self) {
  return SSL_CTX_use_certificate(context, static_cast<X509*>(self.x509())) == 1
         && SSL_CTX_use_PrivateKey(context,
                                   static_cast<EVP_PKEY*>(self.private_key()))
              == 1;
}

outcome<tls_context> make_context(const SSL_METHOD* method,
                                  const crypto::identity& self) {
  if (!self.valid())
    return fail(errc::invalid_request, "there is no certificate of our own");
  tls_context result{SSL_CTX_new(method)};
  if (!result)
    return fail(errc::internal, "no TLS context: " + last_error());
  auto context = result.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION
                                 | SSL_OP_NO_TICKET
                                 | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_cert_verify_callback(context, verify, nullptr);
  if (!use_identity(context, self)) {
    // An identity of long ago may have a key that is too weak for today's
    // default; its peers pinned it nevertheless.
    SSL_CTX_set_security_level(context, 0);
    ERR_clear_error();
    if (!use_identity(context, self))
      return fail(errc::invalid_request,
                  "our certificate cannot be used for TLS: " + last_error());
  }
  return result;
}

} // namespace

outcome<tls_context> make_initiator_context(const crypto::identity& self) {
  auto result = make_context(TLS_client_method(), self);
  if (result)
    SSL_CTX_set_verify(result->get(), SSL_VERIFY_PEER, nullptr);
  return result;
}

outcome<tls_context> make_acceptor_context(const crypto::identity& self) {
  auto result = make_context(TLS_server_method(), self);
  if (result) {
    SSL_CTX_set_verify(result->get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_num_tickets(result->get(), 0);
    constexpr std::array<unsigned char, 7> name{'h', 'a', 'l', 'i',
                                                'b', 'u', 't'};
    SSL_CTX_set_session_id_context(result->get(), name.data(), name.size());
  }
  return result;
}

void set_trust(SSL* connection, tls_trust& trust) {
  SSL_set_ex_data(connection, trust_index(), &trust);
}

void set_server_name(SSL* connection, const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address;
  if (inet_pton(AF_INET, host.c_str(), address.data()) == 1
      || inet_pton(AF_INET6, host.c_str(), address.data()) == 1)
    return;
  // The macro for this has an old-style cast.
  std::string name = host;
  SSL_ctrl(connection, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
           name.data());
}

std::string peer_thumbprint(SSL* connection) {
  auto certificate = SSL_get0_peer_certificate(connection);
  return certificate ? thumbprint_of(certificate) : std::string{};
}

} // namespace cuttle::halibut
