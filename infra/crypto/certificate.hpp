#pragma once

#include <string>

#include "infra/crypto/openssl.hpp"
#include "messages/failure.hpp"

namespace cuttle::crypto {

/// A certificate and the key that belongs to it.
struct key_pair {
  certificate_ptr certificate;
  key_ptr key;
};

/// Makes a self-signed certificate with the fields of `halibut` 4.2.
outcome<key_pair> make_certificate(const std::string& common_name);

} // namespace cuttle::crypto
