#include <openssl/crypto.h>
#include <stdexcept>

#include "infra/settings/keys.hpp"
#include "infra/settings/settings.hpp"

namespace cuttle::settings {

namespace {

std::string random_text(std::size_t size) {
  std::string result(size, '\0');
  crypto::random_bytes(
    {reinterpret_cast<std::uint8_t*>(result.data()), result.size()});
  return result;
}

} // namespace

string_map identity_entries(const crypto::identity& identity,
                            crypto::byte_span machine_key,
                            crypto::byte_span machine_iv) {
  auto pfx = identity.to_pfx();
  if (!pfx)
    throw std::runtime_error(pfx.error().text);
  auto text = crypto::to_base64(*pfx);
  auto sealed = crypto::encrypt_setting(machine_key, machine_iv, text);
  OPENSSL_cleanse(pfx->data(), pfx->size());
  OPENSSL_cleanse(text.data(), text.size());
  return {{key_certificate, crypto::to_base64(sealed)},
          {key_thumbprint, identity.thumbprint()}};
}

string_map new_machine_keys() {
  return {{key_machine_key, random_text(32)},
          {key_machine_iv, random_text(16)}};
}

} // namespace cuttle::settings
