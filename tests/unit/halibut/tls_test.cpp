#include <gtest/gtest.h>

#include "fixture.hpp"
#include "raw_peer.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace cuttle::halibut::test;

namespace {

std::string lower(std::string text) {
  for (auto& c : text)
    c = static_cast<char>(std::tolower(c));
  return text;
}

raw_peer::tune only_version(int version) {
  return [version](SSL_CTX* context) {
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
  };
}

} // namespace

TEST(Trust, IsByThumbprintInAnyCase_HAL10) {
  world w;
  auto options = w.client_options();
  options.trusted = {lower(worker_identity().thumbprint())};
  w.start_server(options);
  auto to = w.endpoint();
  to.thumbprints = {" " + lower(server_identity().thumbprint()) + "\n"};
  w.start_worker(w.service_options(), to);
  EXPECT_TRUE(w.call(make_request("x")));
}

TEST(Trust, FailsWithAnotherServerAndNamesBothThumbprints_HAL09) {
  world w;
  w.start_server(w.client_options(), other_identity());
  w.start_worker();
  auto reason = w.wait_event(link_event::kind::disconnected).reason;
  EXPECT_EQ(reason.code, errc::forbidden);
  EXPECT_NE(reason.text.find(other_identity().thumbprint()), std::string::npos)
    << reason.text;
  EXPECT_NE(reason.text.find(server_identity().thumbprint()), std::string::npos)
    << reason.text;
  EXPECT_EQ(w.connected.get(), 0u);
}

TEST(Trust, AbortsTheHandshakeWithBadCertificate_HAL09) {
  raw_listener listener;
  world w;
  w.port = listener.port();
  w.start_worker();
  auto peer = listener.accept(other_identity());
  // With TLS 1.3 the server's side may be done before the alert comes.
  EXPECT_EQ(peer.read_all(), "");
  EXPECT_EQ(w.wait_event(link_event::kind::disconnected).reason.code,
            errc::forbidden);
}

TEST(Trust, NeedsAThumbprintOfTheServer) {
  world w;
  w.start_server();
  auto to = w.endpoint();
  to.thumbprints.clear();
  w.start_worker(w.service_options(), to);
  auto reason = w.wait_event(link_event::kind::disconnected).reason;
  EXPECT_NE(reason.text.find("thumbprint"), std::string::npos);
  EXPECT_EQ(w.connected.get(), 0u);
}

TEST(Trust, LetsTheServerRefuseAnUnknownWorker_HAL14) {
  world w;
  w.start_server();
  w.start_worker(w.service_options(), w.endpoint(), other_identity());
  auto reason = w.wait_event(link_event::kind::disconnected).reason;
  EXPECT_EQ(reason.code, errc::forbidden);
  EXPECT_NE(reason.text.find(other_identity().thumbprint()), std::string::npos)
    << reason.text;
  EXPECT_TRUE(w.troubles.wait([](auto& x) {
    return !x.empty()
           && x[0].find(other_identity().thumbprint()) != std::string::npos;
  }));
  // Trusted now: the next attempt succeeds.
  w.server->trust(other_identity().thumbprint());
  EXPECT_TRUE(w.wait_connected(1));
  EXPECT_TRUE(w.call(make_request("x")));
}

TEST(Trust, EndsWithItsConnectionsWhenItIsRevoked) {
  world w;
  w.start_server();
  w.start_worker(3);
  ASSERT_TRUE(w.wait_connected(3));
  w.server->distrust(worker_identity().thumbprint());
  EXPECT_TRUE(w.wait_connected(0));
  EXPECT_EQ(w.server->connections(subscription), 0u);
}

TEST(Tls, IsOfVersion12Or13OnTheWorkersSide_HAL05) {
  for (auto version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    raw_listener listener;
    world w;
    w.port = listener.port();
    w.start_worker();
    auto peer = listener.accept(server_identity(), only_version(version));
    ASSERT_TRUE(peer.secure());
    EXPECT_EQ(SSL_version(peer.tls()), version);
    EXPECT_NE(greet(peer).find(subscription), std::string::npos);
    w.worker = nullptr;
  }
}

TEST(Tls, IsNotOlderThan12OnTheWorkersSide_HAL05) {
  raw_listener listener;
  world w;
  w.port = listener.port();
  w.start_worker();
  auto peer = listener.accept(server_identity(), only_version(TLS1_1_VERSION));
  EXPECT_FALSE(peer.secure());
  EXPECT_EQ(w.wait_event(link_event::kind::disconnected).reason.code,
            errc::protocol_error);
}

TEST(Tls, IsOfVersion12Or13OnTheServersSide_HAL05) {
  world w;
  w.start_server();
  EXPECT_TRUE(
    raw_peer::dial(w.port, nullptr, only_version(TLS1_2_VERSION)).secure());
  EXPECT_TRUE(
    raw_peer::dial(w.port, nullptr, only_version(TLS1_3_VERSION)).secure());
  EXPECT_FALSE(
    raw_peer::dial(w.port, nullptr, only_version(TLS1_1_VERSION)).secure());
}

TEST(Tls, SendsNoServerNameForAnAddress_HAL06) {
  raw_listener listener;
  world w;
  w.port = listener.port();
  w.start_worker();
  auto peer = listener.accept(server_identity());
  EXPECT_EQ(SSL_get_servername(peer.tls(), TLSEXT_NAMETYPE_host_name), nullptr);
}

TEST(Tls, SendsTheServerNameOfAHost_HAL06) {
  raw_listener listener;
  world w;
  w.port = listener.port();
  auto to = w.endpoint();
  to.host = "localhost";
  w.start_worker(w.service_options(), to);
  auto peer = listener.accept(server_identity());
  ASSERT_TRUE(peer.secure());
  EXPECT_STREQ(SSL_get_servername(peer.tls(), TLSEXT_NAMETYPE_host_name),
               "localhost");
}

TEST(Tls, OffersNoApplicationProtocolAndNoEarlyData_HAL16) {
  raw_listener listener;
  world w;
  w.port = listener.port();
  w.start_worker();
  for (int i = 0; i < 2; ++i) {
    auto peer = listener.accept(server_identity());
    ASSERT_TRUE(peer.secure());
    EXPECT_FALSE(SSL_session_reused(peer.tls()));
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(peer.tls(), &name, &size);
    EXPECT_EQ(size, 0u);
    EXPECT_NE(SSL_get_early_data_status(peer.tls()), SSL_EARLY_DATA_ACCEPTED);
  }
}

TEST(Tls, SurvivesAttemptsToResumeASession_HAL15) {
  world w;
  w.start_server();
  for (auto version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto first
      = raw_peer::dial(w.port, &worker_identity(), only_version(version));
    ASSERT_TRUE(first.secure());
    first.send("MX\r\n\r\nMX-SUBSCRIBER 1.0 poll://raw/\r\n\r\n");
    EXPECT_EQ(first.read_line(), "MX-SERVER 1.0\r\n");
    auto session = SSL_get1_session(first.tls());
    auto second
      = raw_peer::dial(w.port, &worker_identity(), [&](SSL_CTX* context) {
          only_version(version)(context);
          SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
          SSL_CTX_add_session(context, session);
        });
    EXPECT_TRUE(second.secure());
    second.send("MX\r\n\r\nMX-SUBSCRIBER 1.0 poll://raw/\r\n\r\n");
    EXPECT_EQ(second.read_line(), "MX-SERVER 1.0\r\n");
    SSL_SESSION_free(session);
  }
}
