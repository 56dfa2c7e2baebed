#pragma once

#include <memory>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string>

namespace cuttle::crypto {

/// Initialises OpenSSL once, without reading a configuration file: what this
/// program does must not depend on files of the image. Thread-safe, cheap
/// after the first call; every entry point of this folder calls it.
void prepare_openssl();

/// Takes the oldest entry of this thread's error queue as text and clears the
/// queue; `unknown reason` when it is empty.
std::string take_openssl_error();

/// Throws `std::runtime_error` about a step that fails only on a broken
/// machine (no memory, no provider, no random numbers).
[[noreturn]] void throw_openssl_error(const char* step);

/// Frees OpenSSL's objects for `std::unique_ptr`.
template <auto Free>
struct openssl_deleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

using bio_ptr = std::unique_ptr<BIO, openssl_deleter<BIO_free_all>>;
using cipher_context
  = std::unique_ptr<EVP_CIPHER_CTX, openssl_deleter<EVP_CIPHER_CTX_free>>;
using digest_context
  = std::unique_ptr<EVP_MD_CTX, openssl_deleter<EVP_MD_CTX_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, openssl_deleter<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, openssl_deleter<X509_free>>;

} // namespace cuttle::crypto
