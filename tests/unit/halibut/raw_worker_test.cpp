// The server against a peer that does exactly what the test says.

#include <gtest/gtest.h>

#include "fixture.hpp"
#include "infra/halibut/envelope.hpp"
#include "infra/halibut/inflater.hpp"
#include "raw_peer.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace cuttle::halibut::test;

namespace {

raw_peer connect(world& w, const std::string& newline = "\n") {
  auto result = raw_peer::dial(w.port, &worker_identity());
  result.send("MX" + newline + newline);
  result.send("MX-SUBSCRIBER 1.0 " + std::string{subscription} + "\r\n\r\n");
  return result;
}

/// Reads the server's identity.
raw_peer connected(world& w) {
  auto result = connect(w);
  EXPECT_EQ(result.read_line(), "MX-SERVER 1.0\r\n");
  EXPECT_EQ(result.read_line(), "\r\n");
  return result;
}

decoded_request request_of(const std::string& bytes) {
  return decode_request(
           {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
           {})
    .value();
}

std::string response_message(const std::string& id) {
  rpc_response response;
  response.id = id;
  auto message = deflate_message(encode_response(response, {}).value());
  return {message.begin(), message.end()};
}

call_result get(std::future<call_result>& x) {
  if (x.wait_for(patience) != std::future_status::ready)
    return fail(errc::internal, "no result");
  return x.get();
}

} // namespace

TEST(PollingServer, AcceptsBothNewlinesOfThePreamble_HAL25) {
  world w;
  w.start_server();
  for (auto newline : {"\n", "\r\n"}) {
    auto peer = connect(w, newline);
    EXPECT_EQ(peer.read_line(), "MX-SERVER 1.0\r\n");
    EXPECT_EQ(peer.read_line(), "\r\n");
  }
}

TEST(PollingServer, AnswersAProbeWithAPage_HAL27) {
  world w;
  w.start_server();
  for (std::string words :
       {"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /handshake HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "HELLO\n\n"}) {
    auto peer = raw_peer::dial(w.port, nullptr);
    ASSERT_TRUE(peer.secure());
    peer.send(words);
    auto page = peer.read_all();
    EXPECT_EQ(page.find("HTTP/1.0 200 OK\r\n"), 0u);
    EXPECT_NE(page.find("</html>"), std::string::npos);
  }
  EXPECT_TRUE(w.troubles.get().empty());
}

TEST(PollingServer, ClosesWithoutAWordWhenTheCertificateIsMissing_HAL13_HAL14) {
  world w;
  w.start_server();
  auto peer = raw_peer::dial(w.port, nullptr);
  ASSERT_TRUE(peer.secure());
  peer.send("MX\n\nMX-SUBSCRIBER 1.0 poll://x/\r\n\r\n");
  EXPECT_EQ(peer.read_all(), "");
}

TEST(PollingServer, ClosesWithoutAWordWhenTheCertificateIsUnknown_HAL14) {
  world w;
  w.start_server();
  auto peer = raw_peer::dial(w.port, &other_identity());
  ASSERT_TRUE(peer.secure());
  peer.send("MX\n\nMX-SUBSCRIBER 1.0 poll://x/\r\n\r\n");
  EXPECT_EQ(peer.read_all(), "");
}

TEST(PollingServer, GivesUpOnALongPreamble_HAL28) {
  world w;
  w.start_server();
  auto peer = raw_peer::dial(w.port, &worker_identity());
  peer.send(std::string(20'001, 'x'));
  EXPECT_EQ(peer.read_all(), "");
}

TEST(PollingServer, DropsASilentPeer_HAL88) {
  world w;
  auto options = w.client_options();
  options.limits.handshake = 100ms;
  w.start_server(options);
  auto silent = raw_peer::dial_plain(w.port);
  EXPECT_EQ(silent.read_plain(1), "");
  auto after_tls = raw_peer::dial(w.port, &worker_identity());
  EXPECT_EQ(after_tls.read_all(), "");
  auto after_preamble = raw_peer::dial(w.port, &worker_identity());
  after_preamble.send("MX\n\n");
  EXPECT_EQ(after_preamble.read_all(), "");
}

TEST(PollingServer, RefusesAPeerThatIsNoSubscriber) {
  world w;
  w.start_server();
  auto peer = raw_peer::dial(w.port, &worker_identity());
  peer.send("MX\n\nMX-CLIENT 1.0\r\n\r\n");
  EXPECT_EQ(peer.read_all(), "");
}

TEST(PollingServer, ClosesConnectionsOverTheLimitOfASubscription) {
  world w;
  auto options = w.client_options();
  options.limits.connections_per_subscription = 1;
  w.start_server(options);
  auto first = connected(w);
  EXPECT_EQ(connect(w).read_all(), "");
  first.close();
  ASSERT_TRUE(w.wait_connected(0));
  connected(w);
}

TEST(PollingServer, ClosesConnectionsOverItsLimit) {
  world w;
  auto options = w.client_options();
  options.limits.connections = 1;
  w.start_server(options);
  auto first = connected(w);
  EXPECT_FALSE(raw_peer::dial(w.port, &worker_identity()).secure());
}

TEST(PollingServer, LetsStrangersThatOnlyOccupyPlacesGiveWay) {
  world w;
  auto options = w.client_options();
  options.limits.connections = 1;
  w.start_server(options);
  auto silent = raw_peer::dial_plain(w.port);
  auto worker = connected(w);
  EXPECT_EQ(silent.read_plain(1), "");
  EXPECT_FALSE(raw_peer::dial(w.port, &worker_identity()).secure());
}

TEST(PollingServer, SendsANullMessageWhenIdle) {
  world w;
  auto options = w.client_options();
  options.limits.queue_wait = 20ms;
  w.start_server(options);
  auto peer = connected(w);
  for (int i = 0; i < 3; ++i) {
    auto message = peer.read_message();
    EXPECT_EQ(message, std::string("\x0e\0\0\0\x0aMessage\0\0", 14));
    peer.send("NEXT\r\n");
    EXPECT_EQ(peer.read_line(), "PROCEED\r\n");
  }
}

TEST(PollingServer, GivesCallsOutInTheirOrder) {
  world w;
  w.start_server();
  std::vector<std::future<call_result>> calls;
  for (int i = 0; i < 5; ++i)
    calls.push_back(w.begin(make_request(std::to_string(i))));
  auto peer = connected(w);
  for (int i = 0; i < 5; ++i) {
    auto request = request_of(peer.read_message()).request;
    EXPECT_EQ(text_of(request.params), std::to_string(i));
    peer.send(response_message(request.id));
    // The caller has its answer before NEXT comes.
    EXPECT_TRUE(get(calls[i]));
    peer.send("NEXT\r\n");
    EXPECT_EQ(peer.read_line(), "PROCEED\r\n");
  }
}

TEST(PollingServer, ClosesQuietlyAfterEnd) {
  world w;
  w.start_server();
  auto peer = connected(w);
  auto call = w.begin(make_request("x"));
  auto request = request_of(peer.read_message()).request;
  peer.send(response_message(request.id) + "END\r\n");
  EXPECT_TRUE(get(call));
  EXPECT_EQ(peer.read_all(), "");
  EXPECT_TRUE(w.wait_connected(0));
  EXPECT_TRUE(w.troubles.get().empty());
}

TEST(PollingServer, FailsACallWhoseConnectionBreaks) {
  world w;
  w.start_server();
  for (std::size_t answered : {0, 20}) {
    auto peer = connected(w);
    auto call = w.begin(make_request("x"));
    auto request = request_of(peer.read_message()).request;
    peer.send(response_message(request.id).substr(0, answered));
    peer.close();
    auto result = get(call);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::unavailable);
  }
}

TEST(PollingServer, FailsACallWithAnotherIdOrANullResponse_HAL37_HAL38) {
  world w;
  w.start_server();
  for (auto message : {response_message("other"), null_message()}) {
    auto peer = connected(w);
    auto call = w.begin(make_request("x"));
    peer.read_message();
    peer.send(message);
    auto result = get(call);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::unavailable);
    EXPECT_EQ(peer.read_all(), "");
  }
}

TEST(PollingServer, FailsACallWhoseResponseIsLate) {
  world w;
  auto options = w.client_options();
  options.limits.response_wait = 50ms;
  w.start_server(options);
  auto peer = connected(w);
  auto call = w.begin(make_request("x"));
  auto result = get(call);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
}

TEST(PollingServer, FailsACallThatNobodyCollects) {
  world w;
  auto options = w.client_options();
  options.limits.queue_timeout = 50ms;
  w.start_server(options);
  auto result = w.call(make_request("x"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::deadline_exceeded);
  // It does not reach a worker later.
  auto peer = connected(w);
  auto call = w.begin(make_request("y"));
  EXPECT_EQ(text_of(request_of(peer.read_message()).request.params), "y");
  peer.close();
  get(call);
}

TEST(PollingServer, RefusesCallsBeyondItsQueue) {
  world w;
  auto options = w.client_options();
  options.limits.queued_requests = 2;
  w.start_server(options);
  auto first = w.begin(make_request("1"));
  auto second = w.begin(make_request("2"));
  auto result = w.call(make_request("3"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::overloaded);
  w.server->stop();
  EXPECT_EQ(get(first).error().code, errc::unavailable);
  EXPECT_EQ(get(second).error().code, errc::unavailable);
}

TEST(PollingServer, ReadsOneByteRecords_HAL50) {
  world w;
  w.start_server();
  auto peer = raw_peer::dial(w.port, &worker_identity());
  peer.send_slowly("MX\n\nMX-SUBSCRIBER 1.0 poll://test00vectors\r\n\r\n");
  EXPECT_EQ(peer.read_line(), "MX-SERVER 1.0\r\n");
  EXPECT_EQ(peer.read_line(), "\r\n");
  auto call = w.begin(make_request("x"));
  auto request = request_of(peer.read_message()).request;
  peer.send_slowly(response_message(request.id) + "\r\nNEXT\r\n");
  EXPECT_TRUE(get(call));
  EXPECT_EQ(peer.read_line(), "PROCEED\r\n");
}

TEST(PollingServer, ClosesAfterAnotherLineThanNext) {
  world w;
  w.start_server();
  auto peer = connected(w);
  auto call = w.begin(make_request("x"));
  auto request = request_of(peer.read_message()).request;
  peer.send(response_message(request.id) + "NIXT\r\n");
  EXPECT_TRUE(get(call));
  EXPECT_EQ(peer.read_all(), "");
}
