#include "infra/crypto/certificate.hpp"

#include <array>
#include <chrono>
#include <openssl/rand.h>
#include <openssl/rsa.h>

namespace cuttle::crypto {

namespace {

constexpr int key_bits = 2048;
constexpr int validity_years = 100;

// A name of more than this does not fit the field (`ub-common-name`).
constexpr std::size_t max_common_name = 64;

bool set_serial(X509* certificate) {
  std::array<unsigned char, 8> raw;
  if (RAND_bytes(raw.data(), static_cast<int>(raw.size())) != 1)
    return false;
  std::uint64_t serial = 0;
  for (auto byte : raw)
    serial = serial << 8 | byte;
  serial = std::max<std::uint64_t>(serial >> 1, 1);
  return ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial)
         == 1;
}

bool set_validity(X509* certificate) {
  using namespace std::chrono;
  auto today = floor<days>(system_clock::now());
  auto end = year_month_day{today} + years{validity_years};
  if (!end.ok())
    end = end.year() / end.month() / last;
  auto seconds = [](sys_days day) { return system_clock::to_time_t(day); };
  return ASN1_TIME_set(X509_getm_notBefore(certificate),
                       seconds(today - days{1}))
           != nullptr
         && ASN1_TIME_set(X509_getm_notAfter(certificate),
                          seconds(sys_days{end}))
              != nullptr;
}

bool set_names(X509* certificate, const std::string& common_name) {
  auto* name = X509_get_subject_name(certificate);
  return X509_NAME_add_entry_by_txt(
           name, "CN", MBSTRING_UTF8,
           reinterpret_cast<const unsigned char*>(common_name.data()),
           static_cast<int>(common_name.size()), -1, 0)
           == 1
         && X509_set_issuer_name(certificate, name) == 1;
}

} // namespace

outcome<key_pair> make_certificate(const std::string& common_name) {
  prepare_openssl();
  if (common_name.empty() || common_name.size() > max_common_name)
    return fail(errc::invalid_request,
                "the name of a certificate must have 1 to 64 characters");
  key_pair result;
  result.key.reset(EVP_RSA_gen(static_cast<unsigned>(key_bits)));
  result.certificate.reset(X509_new());
  auto* certificate = result.certificate.get();
  if (!result.key || certificate == nullptr
      || X509_set_version(certificate, X509_VERSION_3) != 1
      || !set_serial(certificate) || !set_validity(certificate)
      || !set_names(certificate, common_name)
      || X509_set_pubkey(certificate, result.key.get()) != 1
      || X509_sign(certificate, result.key.get(), EVP_sha256()) == 0)
    return fail(errc::internal,
                "can not make a certificate: " + take_openssl_error());
  return result;
}

} // namespace cuttle::crypto
