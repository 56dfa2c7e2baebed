#pragma once

#include <string>
#include <vector>

#include "messages/failure.hpp"

namespace cuttle::sim {

/// What a certificate of the embedded REST API is like.
struct rest_certificate_options {
  /// Such as `IP:127.0.0.1` and `DNS:localhost`.
  std::vector<std::string> names{"IP:127.0.0.1", "DNS:localhost"};
  /// Days from now; negative is the past.
  long from_days = -1;
  long to_days = 365;
};

/// A server's certificate with its key and the authority that signed it, all as
/// PEM.
struct rest_certificate {
  std::string certificate_pem;
  std::string key_pem;
  std::string authority_pem;
  /// SHA-1 of the certificate, 40 upper-case digits.
  std::string thumbprint;
};

/// Makes an authority and a certificate that it signs, ECDSA on P-256.
/// `internal`: OpenSSL refused.
outcome<rest_certificate>
make_rest_certificate(const rest_certificate_options& options);

} // namespace cuttle::sim
