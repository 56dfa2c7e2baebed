#pragma once

#include <string>

#include "messages/failure.hpp"

namespace cuttle::sim {

/// A self-signed certificate for `127.0.0.1` and `localhost`, which is its own
/// authority, with its key; both as PEM.
struct api_certificate {
  std::string certificate_pem;
  std::string key_pem;
};

/// ECDSA on P-256, for one year from yesterday. `internal`: OpenSSL refused.
outcome<api_certificate> make_api_certificate();

} // namespace cuttle::sim
