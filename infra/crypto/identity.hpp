#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "messages/failure.hpp"

namespace cuttle::crypto {

/// A certificate with its private key: who we are to a Halibut peer. Cheap to
/// copy. The key stays in memory and leaves it through `to_pfx` only.
class identity {
public:
  /// An identity without content; `valid` is false.
  identity() = default;

  /// Makes a new self-signed one: RSA 2048, SHA-256, X.509 v3 without
  /// extensions, subject = issuer = `CN=<common_name>`, random positive serial
  /// below 2^63, from yesterday for 100 years [CFG-15].
  static outcome<identity> generate(const std::string& common_name
                                    = "Octopus Tentacle");

  /// Reads a PKCS#12 without password, as stored by the stock worker [CFG-16].
  static outcome<identity> from_pfx(std::span<const std::uint8_t> pfx);

  /// Reads PEM text that holds one certificate and its key.
  static outcome<identity> from_pem(std::string_view pem);

  bool valid() const {
    return impl_ != nullptr;
  }

  /// SHA-1 over the DER form, 40 upper-case hex digits.
  const std::string& thumbprint() const;

  /// Certificate as PEM, without the key.
  std::string certificate_pem() const;

  /// PKCS#12 without password.
  outcome<std::vector<std::uint8_t>> to_pfx() const;

  /// OpenSSL's own objects, for the TLS code: `X509*` and `EVP_PKEY*`,
  /// borrowed.
  void* x509() const;
  void* private_key() const;

private:
  struct impl;
  std::shared_ptr<const impl> impl_;
};

/// Removes white space and upper-cases, so that thumbprints compare.
std::string normalise_thumbprint(std::string_view text);

} // namespace cuttle::crypto
