#include <chrono>
#include <fstream>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sstream>

#include "infra/crypto/cipher.hpp"
#include "infra/crypto/identity.hpp"
#include "infra/crypto/openssl.hpp"
#include "tests/folders.hpp"

namespace cuttle::crypto {

namespace {

std::string read(const std::string& name) {
  std::ifstream file{tests_folder() + "/unit/crypto/data/" + name};
  EXPECT_TRUE(file) << name;
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

bytes read_pfx(const std::string& name) {
  return from_base64(read(name + ".pfx.base64")).value();
}

X509* x509(const identity& id) {
  return static_cast<X509*>(id.x509());
}

std::string key_pem(const identity& id) {
  bio_ptr out{BIO_new(BIO_s_mem())};
  PEM_write_bio_PrivateKey(out.get(), static_cast<EVP_PKEY*>(id.private_key()),
                           nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  auto size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::chrono::sys_days day_of(const ASN1_TIME* time) {
  std::tm parts{};
  EXPECT_EQ(ASN1_TIME_to_tm(time, &parts), 1);
  EXPECT_EQ(parts.tm_hour + parts.tm_min + parts.tm_sec, 0);
  return std::chrono::sys_days{std::chrono::year{parts.tm_year + 1900}
                               / (parts.tm_mon + 1) / parts.tm_mday};
}

const identity& made() {
  static const auto id = identity::generate().value();
  return id;
}

} // namespace

TEST(Identity, HasTheFieldsOfAWorkersCertificate_CFG15) {
  auto* certificate = x509(made());
  EXPECT_EQ(X509_get_version(certificate), X509_VERSION_3);
  EXPECT_EQ(X509_get_ext_count(certificate), 0);
  EXPECT_EQ(X509_get_signature_nid(certificate), NID_sha256WithRSAEncryption);
  auto* key = X509_get0_pubkey(certificate);
  EXPECT_EQ(EVP_PKEY_get_id(key), EVP_PKEY_RSA);
  EXPECT_EQ(EVP_PKEY_get_bits(key), 2048);
  EXPECT_EQ(X509_verify(certificate, key), 1);
  char subject[64];
  X509_NAME_oneline(X509_get_subject_name(certificate), subject,
                    sizeof(subject));
  EXPECT_STREQ(subject, "/CN=Octopus Tentacle");
  EXPECT_EQ(X509_NAME_cmp(X509_get_subject_name(certificate),
                          X509_get_issuer_name(certificate)),
            0);
}

TEST(Identity, IsValidFromYesterdayForAHundredYears_CFG15) {
  using namespace std::chrono;
  auto* certificate = x509(made());
  auto today = floor<days>(system_clock::now());
  auto begin = day_of(X509_get0_notBefore(certificate));
  auto end = day_of(X509_get0_notAfter(certificate));
  EXPECT_LE(today - begin, days{2});
  EXPECT_GE(today - begin, days{1});
  year_month_day start{begin + days{1}};
  year_month_day last_day{end};
  EXPECT_EQ(last_day.year(), start.year() + years{100});
  EXPECT_EQ(last_day.month(), start.month());
}

TEST(Identity, HasAPositiveSerialBelowTwoToThe63_CFG15) {
  std::uint64_t serial = 0;
  ASSERT_EQ(
    ASN1_INTEGER_get_uint64(&serial, X509_get_serialNumber(x509(made()))), 1);
  EXPECT_GT(serial, 0u);
  EXPECT_LT(serial, std::uint64_t{1} << 63);
}

TEST(Identity, DiffersEachTime_CFG15) {
  EXPECT_NE(identity::generate().value().thumbprint(), made().thumbprint());
}

TEST(Identity, TakesAnotherName) {
  auto id = identity::generate("Octopus Portal").value();
  char subject[64];
  X509_NAME_oneline(X509_get_subject_name(x509(id)), subject, sizeof(subject));
  EXPECT_STREQ(subject, "/CN=Octopus Portal");
  EXPECT_FALSE(identity::generate(""));
  EXPECT_FALSE(identity::generate(std::string(65, 'x')));
}

TEST(Identity, HasTheThumbprintOfItsDerForm_CFG15_HAL10) {
  unsigned char* der = nullptr;
  auto size = i2d_X509(x509(made()), &der);
  ASSERT_GT(size, 0);
  EXPECT_EQ(made().thumbprint(),
            sha1_hex_upper({der, static_cast<std::size_t>(size)}));
  EXPECT_EQ(made().thumbprint().size(), 40u);
  EXPECT_EQ(made().thumbprint().find_first_not_of("0123456789ABCDEF"),
            std::string::npos);
  OPENSSL_free(der);
}

TEST(Identity, SurvivesItsOwnPfx_CFG16) {
  auto pfx = made().to_pfx().value();
  auto again = identity::from_pfx(pfx).value();
  EXPECT_EQ(again.thumbprint(), made().thumbprint());
  EXPECT_EQ(key_pem(again), key_pem(made()));
}

TEST(Identity, ReadsEveryFormOfAPfxWithoutPassword_CFG16) {
  auto expected = read("thumbprint");
  for (auto name : {"des-null", "des-empty", "aes-null", "aes-empty"}) {
    auto id = identity::from_pfx(read_pfx(name));
    ASSERT_TRUE(id) << name << ": " << id.error().text;
    EXPECT_EQ(id->thumbprint(), expected) << name;
    EXPECT_EQ(identity::from_pfx(id->to_pfx().value()).value().thumbprint(),
              expected);
  }
}

TEST(Identity, ReadsAPfxOfAnOldWindows_CFG16) {
  auto id = identity::from_pfx(read_pfx("rc2-empty"));
  ASSERT_TRUE(id) << id.error().text;
  EXPECT_EQ(id->thumbprint(), read("thumbprint"));
  EXPECT_TRUE(id->to_pfx());
}

TEST(Identity, TellsHowToCureAPfxWithPassword_CFG16) {
  auto id = identity::from_pfx(read_pfx("password"));
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().code, errc::invalid_request);
  EXPECT_NE(id.error().text.find("export it again without"), std::string::npos);
}

TEST(Identity, RejectsEveryTruncatedPfx_CFG16) {
  auto pfx = read_pfx("des-null");
  for (std::size_t size = 0; size < pfx.size(); size += 7)
    EXPECT_FALSE(identity::from_pfx(byte_span{pfx}.first(size))) << size;
  EXPECT_FALSE(identity::from_pfx(as_bytes("-----BEGIN CERTIFICATE-----")));
}

TEST(Identity, ReadsPemInEitherOrder) {
  auto key = key_pem(made());
  auto certificate = made().certificate_pem();
  for (auto& pem : {key + certificate, certificate + key}) {
    auto id = identity::from_pem(pem);
    ASSERT_TRUE(id) << id.error().text;
    EXPECT_EQ(id->thumbprint(), made().thumbprint());
  }
}

TEST(Identity, SaysWhatAPemLacks) {
  auto without_key = identity::from_pem(made().certificate_pem());
  ASSERT_FALSE(without_key);
  EXPECT_NE(without_key.error().text.find("no private key"), std::string::npos);
  auto without_certificate = identity::from_pem(key_pem(made()));
  ASSERT_FALSE(without_certificate);
  EXPECT_NE(without_certificate.error().text.find("no certificate"),
            std::string::npos);
}

TEST(Identity, RejectsAKeyOfAnotherCertificate) {
  auto other = identity::generate().value();
  auto id = identity::from_pem(made().certificate_pem() + key_pem(other));
  ASSERT_FALSE(id);
  EXPECT_NE(id.error().text.find("does not belong"), std::string::npos);
}

TEST(Identity, NeverPutsTheKeyIntoTheCertificatesPem) {
  EXPECT_EQ(made().certificate_pem().find("PRIVATE"), std::string::npos);
}

TEST(Identity, IsInvalidWithoutContent) {
  identity none;
  EXPECT_FALSE(none.valid());
  EXPECT_EQ(none.thumbprint(), "");
  EXPECT_EQ(none.x509(), nullptr);
  EXPECT_EQ(none.private_key(), nullptr);
  EXPECT_EQ(none.certificate_pem(), "");
  EXPECT_FALSE(none.to_pfx());
}

TEST(Thumbprint, ComparesWithoutWhiteSpaceAndCase) {
  EXPECT_EQ(normalise_thumbprint(" 76 22\t5c07\r\nab "), "76225C07AB");
}

} // namespace cuttle::crypto
