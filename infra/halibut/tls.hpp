#pragma once

#include <memory>
#include <openssl/ssl.h>
#include <string>
#include <vector>

#include "infra/crypto/identity.hpp"
#include "messages/failure.hpp"

namespace cuttle::halibut {

struct tls_context_deleter {
  void operator()(SSL_CTX* x) const {
    SSL_CTX_free(x);
  }
};

using tls_context = std::unique_ptr<SSL_CTX, tls_context_deleter>;

/// Trust of one connection, looked at during its handshake. Must outlive it.
struct tls_trust {
  /// Normalised thumbprints, one of which the peer must have.
  std::vector<std::string> pinned;
  /// Accepts everybody, even without a certificate: an acceptor decides later.
  bool anybody = false;
  /// What the peer showed, for the sentence of a failure.
  std::string seen;
};

/// TLS 1.2 and 1.3 with our certificate for connections that we open. Nothing
/// but the thumbprint of the peer counts (`halibut` 4.4).
outcome<tls_context> make_initiator_context(const crypto::identity& self);

/// The same for connections that we accept: asks for a certificate, without
/// insisting; no resumption and no tickets (`halibut` 4.6).
outcome<tls_context> make_acceptor_context(const crypto::identity& self);

/// Attaches trust to a connection before its handshake.
void set_trust(SSL* connection, tls_trust& trust);

/// Asks for `host` by name, unless it is an IP address (`halibut` 4.5).
void set_server_name(SSL* connection, const std::string& host);

/// Thumbprint of an established connection's peer; empty without certificate.
std::string peer_thumbprint(SSL* connection);

} // namespace cuttle::halibut
