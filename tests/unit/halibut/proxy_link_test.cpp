// The worker through a proxy that does what the test says.

#include <gtest/gtest.h>

#include "fixture.hpp"
#include "raw_peer.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace cuttle::halibut::test;

namespace {

struct proxied {
  explicit proxied(halibut::limits limits = {}) {
    server_endpoint to;
    to.host = "server.example";
    to.port = 10943;
    to.thumbprints = {server_identity().thumbprint()};
    to.subscription = subscription;
    to.proxy = proxy_settings{"127.0.0.1", listener.port(), "user", "päss"};
    auto options = w.service_options();
    options.limits = limits;
    w.start_worker(options, to);
  }

  std::string failure_of(const std::string& answer) {
    auto peer = listener.accept_plain();
    peer.send_plain(answer);
    peer.close();
    return w.wait_event(link_event::kind::disconnected).reason.text;
  }

  raw_listener listener;
  world w;
};

} // namespace

TEST(Proxy, IsAskedForATunnelAndTlsGoesThroughIt_HAL06_HAL17) {
  proxied p;
  auto peer = p.listener.accept_plain();
  std::string expected = "CONNECT server.example:10943 HTTP/1.0\r\n"
                         "Host: server.example:10943\r\n"
                         "Proxy-Authorization: Basic dXNlcjpww6Rzcw==\r\n\r\n";
  EXPECT_EQ(peer.read_plain(expected.size()), expected);
  peer.send_plain("HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n");
  raw_listener::secure(peer, server_identity());
  ASSERT_TRUE(peer.secure());
  EXPECT_STREQ(SSL_get_servername(peer.tls(), TLSEXT_NAMETYPE_host_name),
               "server.example");
  greet(peer);
  peer.send(null_message());
  EXPECT_EQ(peer.read_line(), "NEXT\r\n");
}

// A server does not speak first in TLS, but an alert may come at once.
TEST(Proxy, LosesNothingThatComesWithItsAnswer_HAL18) {
  proxied p;
  auto peer = p.listener.accept_plain();
  std::string alert{"\x15\x03\x03\x00\x02\x02\x28", 7};
  peer.send_plain("HTTP/1.1 200 OK\r\n\r\n" + alert);
  auto lost = p.w.wait_event(link_event::kind::disconnected);
  EXPECT_EQ(lost.reason.code, errc::protocol_error);
  EXPECT_NE(lost.reason.text.find("alert"), std::string::npos)
    << lost.reason.text;
}

TEST(Proxy, RefusalFailsTheAttempt_HAL19) {
  proxied p;
  EXPECT_NE(p.failure_of("HTTP/1.0 403 Forbidden\r\n\r\n").find("403"),
            std::string::npos);
}

TEST(Proxy, WantOfCredentialsFailsTheAttemptWithoutNamingThem_HAL19_HAL87) {
  proxied p;
  auto reason = p.failure_of("HTTP/1.0 407 Authenticate\r\n\r\n");
  EXPECT_NE(reason.find("407"), std::string::npos);
  EXPECT_EQ(reason.find("päss"), std::string::npos);
}

TEST(Proxy, EndInTheAnswerFailsTheAttempt_HAL19) {
  proxied p;
  EXPECT_NE(p.failure_of("HTTP/1.0 200 OK\r\n").find("proxy"),
            std::string::npos);
}

TEST(Proxy, SilenceFailsTheAttemptAndLeadsToAnother_HAL19) {
  EXPECT_EQ(halibut::limits{}.proxy, 15s);
  halibut::limits limits;
  limits.proxy = 200ms;
  proxied p{limits};
  auto peer = p.listener.accept_plain();
  peer.send_plain("HTTP/1.0 2");
  auto lost = p.w.wait_event(link_event::kind::disconnected);
  EXPECT_EQ(lost.reason.code, errc::deadline_exceeded) << lost.reason.text;
  EXPECT_NE(lost.reason.text.find("CUTTLE_WIRE_PROXY_SECONDS"),
            std::string::npos)
    << lost.reason.text;
  auto again = p.listener.accept_plain();
  EXPECT_EQ(again.read_plain(7), "CONNECT");
}

TEST(Proxy, NonsenseFailsTheAttempt_HAL19) {
  proxied p;
  EXPECT_NE(p.failure_of("SSH-2.0-OpenSSH\r\n\r\n").find("SSH"),
            std::string::npos);
}
