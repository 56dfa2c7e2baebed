// The worker through a proxy that does what the test says.

#include <gtest/gtest.h>

#include "fixture.hpp"
#include "raw_peer.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace cuttle::halibut::test;

namespace {

struct proxied {
  proxied() {
    server_endpoint to;
    to.host = "server.example";
    to.port = 10943;
    to.thumbprints = {server_identity().thumbprint()};
    to.subscription = subscription;
    to.proxy = proxy_settings{"127.0.0.1", listener.port(), "user", "päss"};
    w.start_worker(w.service_options(), to);
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

TEST(Proxy, IsAskedForATunnelAndTlsGoesThroughIt_HAL17_HAL18) {
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

TEST(Proxy, NonsenseFailsTheAttempt_HAL19) {
  proxied p;
  EXPECT_NE(p.failure_of("SSH-2.0-OpenSSH\r\n\r\n").find("SSH"),
            std::string::npos);
}
