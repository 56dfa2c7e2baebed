#pragma once

#include <openssl/ssl.h>
#include <string>

namespace cuttle::octopus {

/// What a server showed during a TLS handshake.
struct tls_view {
  /// Of the certificate that the failure is about, else of the server's own.
  std::string subject;
  std::string issuer;
  /// `2026-11-23`, UTC.
  std::string not_before;
  std::string not_after;
  /// SHA-1 of the server's own certificate, 40 upper-case digits.
  std::string thumbprint;
  /// OpenSSL's `X509_V_ERR_…`; 0 when the chain is good or was not checked.
  int verify_error = 0;
};

/// How far a connection's certificate matters.
struct tls_rules {
  /// Checks the chain; else everything is accepted and only looked at.
  bool verify = true;
  /// PEM of more authorities, besides the system's.
  std::string ca_pem;
  tls_view seen;
};

/// Number of certificates in a PEM text; 0 when there is none that can be read.
std::size_t count_certificates(const std::string& pem);

/// Puts the rules, which must outlive it, into a context for connections.
/// Returns false when the PEM can not be used.
bool apply(tls_rules& rules, SSL_CTX* context);

} // namespace cuttle::octopus
