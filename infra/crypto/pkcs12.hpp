#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "infra/crypto/certificate.hpp"

namespace cuttle::crypto {

/// Largest PKCS#12 that is read; a certificate and its key need some 3 KiB.
inline constexpr std::size_t max_pkcs12_bytes = 1024 * 1024;

/// Reads a certificate and its key from a PKCS#12 without password. Writers
/// disagree whether that is no password or an empty one, so both are tried;
/// old Windows ones enciphered with RC2, so that the legacy provider is tried
/// last.
outcome<key_pair> read_pkcs12(std::span<const std::uint8_t> pfx);

/// Writes them as .NET does: no password, Triple DES with SHA-1 and 2000
/// iterations, which all versions of the stock worker read. (The whole is
/// enciphered with the machine key where it is stored.)
outcome<std::vector<std::uint8_t>> write_pkcs12(X509* certificate,
                                                EVP_PKEY* key);

} // namespace cuttle::crypto
