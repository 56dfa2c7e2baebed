// The server that dials, and peers that break, are silent, or talk nonsense, at
// each phase of a connection.

#include <gtest/gtest.h>

#include "dialling_world.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace cuttle::halibut::test;

namespace {

/// What a peer does with a connection before it breaks it.
struct phase {
  const char* name;
  std::function<void(raw_listener&, const std::function<void(raw_peer&)>&)> act;
};

const std::string server_line = "MX-SERVER 1.0\r\n\r\n";

/// Plays a worker up to some point; `then` gets the connection.
using play = std::function<void(raw_peer&)>;

void up_to_tcp(raw_listener& listener, const play& then) {
  auto peer = listener.accept_plain();
  then(peer);
}

void up_to_tls(raw_listener& listener, const play& then) {
  auto peer = listener.accept(worker_identity());
  then(peer);
}

void up_to_identity(raw_listener& listener, const play& then) {
  auto peer = listener.accept(worker_identity());
  for (int i = 0; i < 4; ++i)
    peer.read_line();
  then(peer);
}

void up_to_half_an_identity(raw_listener& listener, const play& then) {
  up_to_identity(listener, [&](raw_peer& peer) {
    peer.send(server_line.substr(0, 9));
    then(peer);
  });
}

/// No byte of a request has left.
const std::vector<phase> before_the_request = {
  {"TCP", up_to_tcp},
  {"TLS", up_to_tls},
  {"identity", up_to_identity},
  {"half an identity", up_to_half_an_identity},
};

void up_to_request(raw_listener& listener, const play& then) {
  up_to_identity(listener, [&](raw_peer& peer) {
    peer.send(server_line);
    EXPECT_FALSE(peer.read_message().empty());
    then(peer);
  });
}

void up_to_half_a_response(raw_listener& listener, const play& then) {
  up_to_identity(listener, [&](raw_peer& peer) {
    peer.send(server_line);
    auto response = response_to(peer.read_message(), "some text");
    peer.send(response.substr(0, response.size() / 2));
    then(peer);
  });
}

/// A request is there, and may have been carried out.
const std::vector<phase> after_the_request = {
  {"request", up_to_request},
  {"half a response", up_to_half_a_response},
};

/// Answers the next call as it should be.
void serve(raw_listener& listener, const std::string& text) {
  up_to_identity(listener, [&](raw_peer& peer) {
    peer.send(server_line);
    peer.send(response_to(peer.read_message(), text));
    peer.read_line();
  });
}

void wait_until(dialling_world::begun& x) {
  EXPECT_EQ(x.result.wait_for(patience), std::future_status::ready);
}

} // namespace

TEST(ListeningClientFault, DialsAgainWhenItBreaksBeforeTheRequest) {
  for (auto reset : {false, true})
    for (auto& x : before_the_request) {
      SCOPED_TRACE(x.name);
      raw_listener listener;
      dialling_world w;
      auto call = w.begin(w.add(listener.port()), make_request("x"));
      x.act(listener, [&](raw_peer& peer) { peer.close(reset); });
      up_to_identity(listener, [&](raw_peer& peer) {
        peer.send(server_line);
        peer.send(response_to(peer.read_message(), "at last"));
        auto result = dialling_world::end(call);
        ASSERT_TRUE(result) << result.error().text;
        EXPECT_EQ(text_of(result->result), "at last");
      });
      EXPECT_EQ(w.troubles.get().size(), 1u);
    }
}

TEST(ListeningClientFault, NeverSendsARequestTwice) {
  for (auto reset : {false, true})
    for (auto& x : after_the_request) {
      SCOPED_TRACE(x.name);
      raw_listener listener;
      dialling_world w;
      auto uri = w.add(listener.port());
      auto first = w.begin(uri, make_request("x"));
      x.act(listener, [&](raw_peer& peer) { peer.close(reset); });
      auto result = dialling_world::end(first);
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().code, errc::unavailable) << result.error().text;
      // Were it sent again, that would come before this one.
      auto second = w.begin(uri, make_request("y"));
      up_to_identity(listener, [&](raw_peer& peer) {
        peer.send(server_line);
        peer.send(response_to(peer.read_message(), "the second"));
        auto answer = dialling_world::end(second);
        ASSERT_TRUE(answer) << answer.error().text;
        EXPECT_EQ(text_of(answer->result), "the second");
      });
    }
}

TEST(ListeningClientFault, GivesUpOnASilentPeerAtEachPhase) {
  auto expect = [](const phase& x, const listening_client::options& options) {
    SCOPED_TRACE(x.name);
    raw_listener listener;
    dialling_world w{options};
    auto call = w.begin(w.add(listener.port()), make_request("x"));
    x.act(listener, [&](raw_peer&) { wait_until(call); });
    auto result = dialling_world::end(call);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::deadline_exceeded)
      << result.error().text;
  };
  auto options = dialling_world::quick();
  options.attempts = 1;
  options.limits.handshake = 100ms;
  for (auto& x : before_the_request)
    expect(x, options);
  options.limits.handshake = 60s;
  options.limits.response_wait = 100ms;
  options.limits.io = 100ms;
  for (auto& x : after_the_request)
    expect(x, options);
}

TEST(ListeningClientFault, GivesUpWhereNobodyListens) {
  auto options = dialling_world::quick();
  options.attempts = 3;
  dialling_world w{options};
  auto port = raw_listener::dead_port();
  auto result = w.call(w.add(port), make_request("x"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::unavailable);
  EXPECT_NE(result.error().text.find(std::to_string(port)), std::string::npos)
    << result.error().text;
  EXPECT_EQ(w.troubles.get().size(), 3u);
}

TEST(ListeningClientFault, TurnsFromAnotherCertificateAtOnceAndNamesBoth) {
  raw_listener listener;
  dialling_world w;
  auto call = w.begin(w.add(listener.port()), make_request("x"));
  auto peer = listener.accept(other_identity());
  EXPECT_EQ(peer.read_all(), "") << "not a byte for a stranger";
  auto result = dialling_world::end(call);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::forbidden);
  for (auto& x : {other_identity(), worker_identity()})
    EXPECT_NE(result.error().text.find(x.thumbprint()), std::string::npos)
      << result.error().text;
  EXPECT_EQ(w.troubles.get().size(), 1u) << "one attempt";
}

TEST(ListeningClientFault, SaysThatTheWorkerMayNotTrustIt) {
  auto options = dialling_world::quick();
  options.attempts = 1;
  dialling_world w{options};
  listening_world worker;
  listening_client stranger{w.thread, w.disk, other_identity(), [&] {
                              auto x = options;
                              x.spool = w.spool.path();
                              return x;
                            }()};
  worker_endpoint where;
  where.host = "127.0.0.1";
  where.port = worker.port;
  where.thumbprints = {worker_identity().thumbprint()};
  std::promise<call_result> promise;
  stranger.call(stranger.add(where), make_request("x"),
                [&](call_result x) { promise.set_value(std::move(x)); });
  auto future = promise.get_future();
  ASSERT_EQ(future.wait_for(patience), std::future_status::ready);
  auto result = future.get();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::unavailable);
  EXPECT_NE(result.error().text.find(other_identity().thumbprint()),
            std::string::npos)
    << result.error().text;
}

TEST(ListeningClientFault, EndsACallThatIsAnsweredWithNonsense) {
  const std::vector<std::pair<const char*, std::string>> answers = {
    {"garbage", "HTTP/1.1 400 Bad Request\r\n\r\n"},
    {"the null message", null_message()},
    {"a request", request_message("1", "text")},
    {"NEXT", "NEXT\r\n"},
    {"another call's response",
     response_to(
       [] {
         auto document
           = encode_request(make_request("x"), {"other", {}, "", ""}, {});
         return std::string{document->begin(), document->end()};
       }(),
       "text")},
  };
  for (auto& [name, bytes] : answers) {
    SCOPED_TRACE(name);
    raw_listener listener;
    dialling_world w;
    auto call = w.begin(w.add(listener.port()), make_request("x"));
    up_to_request(listener, [&, &answer = bytes](raw_peer& peer) {
      peer.send(answer);
      auto result = dialling_world::end(call);
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().code, errc::unavailable) << result.error().text;
      peer.read_all();
    });
  }
}

TEST(ListeningClientFault, TurnsFromAPeerThatIsNoWorker) {
  auto options = dialling_world::quick();
  options.attempts = 1;
  for (auto& line : {"MX-CLIENT 1.0\r\n\r\n", "MX-SERVER 1.0\r\nx\r\n",
                     "HELLO\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n"}) {
    SCOPED_TRACE(line);
    raw_listener listener;
    dialling_world w{options};
    auto call = w.begin(w.add(listener.port()), make_request("x"));
    up_to_identity(listener, [&](raw_peer& peer) {
      peer.send(line);
      peer.read_all();
    });
    auto result = dialling_world::end(call);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::protocol_error) << result.error().text;
  }
}

TEST(ListeningClientFault, MakesAnotherConnectionWhenOneCannotBeTakenUp) {
  for (std::string answer : {"", "END\r\n", "\x05\r\n", "silence"}) {
    SCOPED_TRACE(answer);
    auto options = dialling_world::quick();
    if (answer == "silence")
      options.limits.control = 100ms;
    raw_listener listener;
    dialling_world w{options};
    auto uri = w.add(listener.port());
    auto first = w.begin(uri, make_request("1"));
    up_to_identity(listener, [&](raw_peer& peer) {
      peer.send(server_line);
      peer.send(response_to(peer.read_message(), "first"));
      EXPECT_TRUE(dialling_world::end(first));
      auto second = w.begin(uri, make_request("2"));
      EXPECT_EQ(peer.read_line(), "NEXT\r\n");
      if (answer.empty())
        peer.close();
      else if (answer != "silence")
        peer.send(answer);
      up_to_identity(listener, [&](raw_peer& other) {
        other.send(server_line);
        other.send(response_to(other.read_message(), "second"));
        auto result = dialling_world::end(second);
        ASSERT_TRUE(result) << result.error().text;
        EXPECT_EQ(text_of(result->result), "second");
      });
    });
    EXPECT_EQ(w.troubles.get(), std::vector<std::string>{}) << "it is harmless";
  }
}

TEST(ListeningClientFault, LetsGoOfARestingConnectionThatSpeaks) {
  raw_listener listener;
  dialling_world w;
  auto uri = w.add(listener.port());
  auto first = w.begin(uri, make_request("1"));
  up_to_identity(listener, [&](raw_peer& peer) {
    peer.send(server_line);
    peer.send(response_to(peer.read_message(), "first"));
    EXPECT_TRUE(dialling_world::end(first));
    peer.send("PROCEED\r\n");
    EXPECT_EQ(peer.read_all(), "");
  });
  auto second = w.begin(uri, make_request("2"));
  serve(listener, "second");
  EXPECT_TRUE(dialling_world::end(second));
}

TEST(ListeningClientFault, GivesUpACallThatIsWithdrawn) {
  for (auto& x : before_the_request) {
    SCOPED_TRACE(x.name);
    raw_listener listener;
    dialling_world w;
    auto call = w.begin(w.add(listener.port()), make_request("x"));
    x.act(listener, [&](raw_peer&) {
      w.client->withdraw(call.number);
      auto result = dialling_world::end(call);
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().code, errc::cancelled) << result.error().text;
    });
  }
  for (auto& x : after_the_request) {
    SCOPED_TRACE(x.name);
    raw_listener listener;
    dialling_world w;
    auto call = w.begin(w.add(listener.port()), make_request("x"));
    x.act(listener, [&](raw_peer& peer) {
      w.client->withdraw(call.number);
      auto result = dialling_world::end(call);
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().code, errc::unavailable) << result.error().text;
      EXPECT_EQ(peer.read_all(), "") << "the connection is cut";
    });
  }
}

TEST(ListeningClientFault, RefusesAMessageOverTheLimit) {
  raw_listener listener;
  auto options = dialling_world::quick();
  options.limits.message_bytes = 100'000;
  dialling_world w{options};
  auto call = w.begin(w.add(listener.port()), make_request("x"));
  up_to_identity(listener, [&](raw_peer& peer) {
    peer.send(server_line);
    peer.send(response_to(peer.read_message(), std::string(200'000, 'x')));
    auto result = dialling_world::end(call);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().text.find("over the limit"), std::string::npos)
      << result.error().text;
  });
}
