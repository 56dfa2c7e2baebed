// Certificates that any browser would refuse and that a pinned peer may have.

#include <gtest/gtest.h>
#include <memory>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "fixture.hpp"
#include "raw_peer.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace cuttle::halibut::test;

namespace {

struct freed {
  void operator()(EVP_PKEY* x) const {
    EVP_PKEY_free(x);
  }
  void operator()(X509* x) const {
    X509_free(x);
  }
};

/// A certificate with its key, made to order.
struct odd_certificate {
  odd_certificate(unsigned bits, const EVP_MD* digest, long from_days,
                  long to_days, const char* name)
    : key(EVP_RSA_gen(bits)), certificate(X509_new()) {
    auto x = certificate.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
    X509_gmtime_adj(X509_getm_notBefore(x), from_days * 86'400);
    X509_gmtime_adj(X509_getm_notAfter(x), to_days * 86'400);
    auto subject = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name), -1,
                               -1, 0);
    X509_set_issuer_name(x, subject);
    X509_set_pubkey(x, key.get());
    EXPECT_GT(X509_sign(x, key.get(), digest), 0);
  }

  std::string thumbprint() const {
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    X509_digest(certificate.get(), EVP_sha1(), hash, &size);
    std::string result;
    for (unsigned i = 0; i < size; ++i) {
      char text[3];
      std::snprintf(text, sizeof text, "%02X", unsigned{hash[i]});
      result += text;
    }
    return result;
  }

  /// Shows it in the place of the peer's own.
  raw_peer::tune shown() const {
    return [this](SSL_CTX* context) {
      SSL_CTX_set_security_level(context, 0);
      SSL_CTX_use_certificate(context, certificate.get());
      SSL_CTX_use_PrivateKey(context, key.get());
    };
  }

  std::unique_ptr<EVP_PKEY, freed> key;
  std::unique_ptr<X509, freed> certificate;
};

/// Whether a worker that pins this certificate talks to a server with it.
bool talks_to(const odd_certificate& odd) {
  raw_listener listener;
  world w;
  w.port = listener.port();
  auto to = w.endpoint();
  to.thumbprints = {odd.thumbprint()};
  w.start_worker(w.service_options(), to);
  auto peer = listener.accept(server_identity(), odd.shown());
  return peer.secure() && greet(peer).starts_with("MX\r\n\r\nMX-SUBSCRIBER");
}

} // namespace

TEST(OddCertificate, ThatExpiredLongAgoIsTrustedByItsThumbprint_HAL08) {
  EXPECT_TRUE(talks_to({2048, EVP_sha256(), -4'000, -3'000, "Octopus Portal"}));
}

TEST(OddCertificate, ThatIsNotValidYetIsTrustedByItsThumbprint_HAL08) {
  EXPECT_TRUE(talks_to({2048, EVP_sha256(), 300, 600, "Octopus Portal"}));
}

TEST(OddCertificate, SignedWithSha1IsTrustedByItsThumbprint_HAL08) {
  EXPECT_TRUE(talks_to({2048, EVP_sha1(), -1, 600, "Octopus Portal"}));
}

TEST(OddCertificate, WithAnotherNameIsTrustedByItsThumbprint_HAL08) {
  EXPECT_TRUE(talks_to({2048, EVP_sha256(), -1, 600, "somebody.example.com"}));
}

TEST(OddCertificate, OfAWorkerIsAcceptedByAServerThatPinsIt) {
  odd_certificate odd{2048, EVP_sha1(), -4'000, -3'000, "old worker"};
  world w;
  auto options = w.client_options();
  options.trusted = {odd.thumbprint()};
  w.start_server(options);
  auto worker = raw_peer::dial(w.port, &other_identity(), odd.shown());
  ASSERT_TRUE(worker.secure());
  worker.send("MX\n\nMX-SUBSCRIBER 1.0 poll://odd/\r\n\r\n");
  EXPECT_EQ(worker.read_line(), "MX-SERVER 1.0\r\n");
}

TEST(OddCertificate, WithAKeyOf1024BitsIsTrustedByItsThumbprint_HAL08) {
  EXPECT_TRUE(talks_to({1024, EVP_sha256(), -1, 600, "Octopus Portal"}));
}
