#include "infra/crypto/openssl.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdexcept>

namespace cuttle::crypto {

void prepare_openssl() {
  static const bool done
    = OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) == 1;
  if (!done)
    throw std::runtime_error("OpenSSL can not be initialised");
}

std::string take_openssl_error() {
  auto code = ERR_get_error();
  ERR_clear_error();
  if (code == 0)
    return "unknown reason";
  if (auto* reason = ERR_reason_error_string(code))
    return reason;
  return "OpenSSL error " + std::to_string(code);
}

void throw_openssl_error(const char* step) {
  throw std::runtime_error(std::string{"OpenSSL can not "} + step + ": "
                           + take_openssl_error());
}

} // namespace cuttle::crypto
