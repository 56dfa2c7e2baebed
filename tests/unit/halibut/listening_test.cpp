// The worker in listening mode against a server that does exactly what the test
// says.

#include <algorithm>
#include <gtest/gtest.h>

#include "infra/halibut/envelope.hpp"
#include "listening_world.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace cuttle::halibut::test;

namespace {

std::string ask(raw_peer& server, const std::string& id,
                const std::string& text) {
  server.send(request_message(id, text));
  auto bytes = server.read_message();
  auto response = decode_response(
    {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, {});
  if (!response)
    return "no response: " + response.error().text;
  return response->response.id + "=" + text_of(response->response.result);
}

} // namespace

TEST(ListeningWorker, AnswersRequestAfterRequestOnOneConnection_HAL26_HAL45) {
  listening_world w;
  auto server = w.dial();
  EXPECT_EQ(ask(server, "1", "one"), "1=one");
  for (auto i : {"2", "3"}) {
    server.send("NEXT\r\n");
    EXPECT_EQ(server.read_line(), "PROCEED\r\n");
    EXPECT_EQ(ask(server, i, "more"), std::string{i} + "=more");
  }
}

TEST(ListeningWorker, SkipsEmptyLinesBeforeNext) {
  listening_world w;
  auto server = w.dial();
  EXPECT_EQ(ask(server, "1", "one"), "1=one");
  server.send("\r\n\r\nNEXT\r\n");
  EXPECT_EQ(server.read_line(), "PROCEED\r\n");
  EXPECT_EQ(ask(server, "2", "two"), "2=two");
}

TEST(ListeningWorker, AcceptsBothNewlinesOfThePreamble_HAL25) {
  listening_world w;
  for (auto newline : {"\n", "\r\n"}) {
    auto server = w.dial(newline);
    EXPECT_EQ(ask(server, "1", "one"), "1=one");
  }
}

TEST(ListeningWorker, ClosesQuietlyOnEnd_HAL46) {
  listening_world w;
  auto server = w.dial();
  EXPECT_EQ(ask(server, "1", "one"), "1=one");
  server.send("END\r\n");
  EXPECT_EQ(server.read_all(), "");
  ASSERT_TRUE(w.wait_end_of_a_link());
  EXPECT_EQ(w.events.get().back().reason.code, errc::cancelled);
}

TEST(ListeningWorker, ClosesQuietlyWhenTheServerDoes_HAL12_HAL46) {
  listening_world w;
  auto server = w.dial();
  EXPECT_EQ(ask(server, "1", "one"), "1=one");
  server.close();
  ASSERT_TRUE(w.wait_end_of_a_link());
  EXPECT_EQ(w.events.get().back().reason.code, errc::cancelled);
}

TEST(ListeningWorker, ClosesQuietlyAfterAnIdleTime_HAL46) {
  auto limits = quick_limits();
  limits.listening_idle = 100ms;
  listening_world w{limits};
  auto server = w.dial();
  EXPECT_EQ(ask(server, "1", "one"), "1=one");
  EXPECT_EQ(server.read_all(), "");
  ASSERT_TRUE(w.wait_end_of_a_link());
  EXPECT_EQ(w.events.get().back().reason.code, errc::cancelled);
}

TEST(ListeningWorker, ClosesOnAnotherLineThanNext) {
  listening_world w;
  auto server = w.dial();
  EXPECT_EQ(ask(server, "1", "one"), "1=one");
  server.send("PROCEED\r\n");
  EXPECT_EQ(server.read_all(), "");
  ASSERT_TRUE(w.wait_end_of_a_link());
  EXPECT_EQ(w.events.get().back().reason.code, errc::protocol_error);
}

TEST(ListeningWorker, ClosesOnANullMessage) {
  listening_world w;
  auto server = w.dial();
  server.send(null_message());
  EXPECT_EQ(server.read_all(), "");
}

TEST(ListeningWorker, ServesSeveralConnectionsAtOnce_HAL47) {
  listening_world w;
  watched<std::vector<std::pair<rpc_request, reply_function>>> asked;
  w.handler = [&](rpc_request x, reply_function reply) {
    asked.change(
      [&](auto& list) { list.emplace_back(std::move(x), std::move(reply)); });
  };
  std::vector<raw_peer> servers;
  for (auto i : {"1", "2", "3"}) {
    servers.push_back(w.dial());
    servers.back().send(request_message(i, "x"));
  }
  ASSERT_TRUE(asked.wait([](auto& list) { return list.size() == 3; }));
  for (auto& [request, reply] : asked.get()) {
    rpc_response response;
    response.id = request.id;
    reply(std::move(response));
  }
  for (auto& server : servers)
    EXPECT_FALSE(server.read_message().empty());
}

TEST(ListeningWorker, RefusesWhoeverHasNoCertificate_HAL13_HAL14) {
  listening_world w;
  auto server = raw_peer::dial(w.port, nullptr);
  ASSERT_TRUE(server.secure());
  server.send("MX\n\nMX-CLIENT 1.0\r\n\r\n");
  EXPECT_EQ(server.read_all(), "");
}

TEST(ListeningWorker, HasLimitsOfConnectionsAndNamesTheirSettings) {
  for (auto per_peer : {false, true}) {
    auto limits = quick_limits();
    (per_peer ? limits.connections_per_peer : limits.connections) = 2;
    testing::internal::CaptureStderr();
    {
      listening_world w{limits};
      auto first = w.dial();
      auto second = w.dial();
      auto third = raw_peer::dial_plain(w.port);
      EXPECT_EQ(third.read_plain(1), "") << "it is closed at once";
      EXPECT_EQ(ask(first, "id", "still there"), "id=still there");
      second.close();
      // The place is free once the worker has seen the end.
      EXPECT_TRUE(w.wait_end_of_a_link());
      auto fourth = w.dial();
      EXPECT_EQ(ask(fourth, "id", "in its place"), "id=in its place");
    }
    auto log = testing::internal::GetCapturedStderr();
    EXPECT_NE(log.find(per_peer ? "CUTTLE_LISTEN_CONNECTIONS_PER_PEER"
                                : "CUTTLE_LISTEN_CONNECTIONS allows"),
              std::string::npos)
      << log;
  }
}

namespace {

// The server has one more request.
void go_on(raw_peer& server) {
  server.send("NEXT\r\n");
  EXPECT_EQ(server.read_line(), "PROCEED\r\n");
}

} // namespace

TEST(ListeningWorker, LetsStrangersThatOnlyOccupyPlacesGiveWay) {
  for (auto per_peer : {false, true}) {
    auto limits = quick_limits();
    (per_peer ? limits.connections_per_peer : limits.connections) = 2;
    listening_world w{limits};
    auto silent = raw_peer::dial_plain(w.port);
    auto stranger = raw_peer::dial(w.port, nullptr);
    auto first = w.dial();
    EXPECT_EQ(silent.read_plain(1), "") << "the oldest goes first";
    auto second = w.dial();
    EXPECT_EQ(stranger.read_all(), "");
    EXPECT_EQ(ask(first, "1", "one"), "1=one");
    EXPECT_EQ(ask(second, "2", "two"), "2=two");
    auto third = raw_peer::dial_plain(w.port);
    EXPECT_EQ(third.read_plain(1), "") << "those who are known stay";
    go_on(first);
    EXPECT_EQ(ask(first, "3", "three"), "3=three");
  }
}

// Two messages of which only one has room, both without their last bytes.
TEST(ListeningWorker, BoundsTheMemoryOfAllMessagesTogether) {
  auto limits = quick_limits();
  limits.message_bytes = 300'000;
  limits.all_messages_bytes = 300'000;
  listening_world w{limits};
  auto large = noise(250'000);
  for (auto& c : large)
    c = static_cast<char>('a' + (static_cast<unsigned char>(c) & 15));
  auto begun = request_message("large", large);
  begun.resize(begun.size() - 10);
  auto first = w.dial();
  auto second = w.dial();
  first.send(begun);
  second.send(begun);
  ASSERT_TRUE(w.wait_end_of_a_link());
  auto reason = w.events.get().back().reason;
  EXPECT_EQ(reason.code, errc::overloaded);
  EXPECT_NE(reason.text.find("CUTTLE_WIRE_ALL_MESSAGES_BYTES"),
            std::string::npos)
    << reason.text;
  auto third = w.dial();
  EXPECT_EQ(ask(third, "small", "goes on"), "small=goes on");
  first.close();
  second.close();
  ASSERT_TRUE(w.events.wait([](auto& list) {
    return std::count_if(
             list.begin(), list.end(),
             [](auto& x) { return x.what == link_event::kind::disconnected; })
           == 2;
  }));
  for (auto i = 0; i < 2; ++i) {
    go_on(third);
    EXPECT_TRUE(ask(third, "large", large) == "large=" + large);
  }
}

// The first of them is told as a warning, which is all that is written without
// a logger.
TEST(ListeningWorker, WarnsOnceOfAPeerThatKnocksAgainAndAgain) {
  testing::internal::CaptureStderr();
  {
    listening_world w;
    for (int i = 0; i < 50; ++i) {
      auto peer = raw_peer::dial(w.port, nullptr);
      peer.send("MX\n\nMX-CLIENT 1.0\r\n\r\n");
      EXPECT_EQ(peer.read_all(), "");
    }
  }
  auto log = testing::internal::GetCapturedStderr();
  auto lines = 0;
  for (auto at = log.find("connection-refused"); at != std::string::npos;
       at = log.find("connection-refused", at + 1))
    ++lines;
  EXPECT_EQ(lines, 1) << log;
}

TEST(ListeningWorker, RefusesAServerThatIsNotTrusted_HAL14) {
  listening_world w;
  auto server = raw_peer::dial(w.port, &other_identity());
  ASSERT_TRUE(server.secure());
  server.send("MX\n\nMX-CLIENT 1.0\r\n\r\n");
  EXPECT_EQ(server.read_all(), "");
  EXPECT_TRUE(w.events.get().empty());
}

TEST(ListeningWorker, AnswersAProbeWithAPage_HAL27) {
  listening_world w;
  auto probe = raw_peer::dial(w.port, nullptr);
  ASSERT_TRUE(probe.secure());
  probe.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(probe.read_all().find("HTTP/1.0 200 OK\r\n"), 0u);
}

TEST(ListeningWorker, GivesUpOnALongPreamble_HAL28) {
  listening_world w;
  auto peer = raw_peer::dial(w.port, &server_identity());
  peer.send(std::string(20'001, 'x'));
  EXPECT_EQ(peer.read_all(), "");
}

TEST(ListeningWorker, RefusesAnotherPollingWorker) {
  listening_world w;
  auto peer = raw_peer::dial(w.port, &server_identity());
  peer.send("MX\n\nMX-SUBSCRIBER 1.0 poll://x/\r\n\r\n");
  EXPECT_EQ(peer.read_all(), "");
}

TEST(ListeningWorker, DropsASilentPeer_HAL88) {
  auto limits = quick_limits();
  limits.handshake = 100ms;
  limits.listening_request_wait = 100ms;
  listening_world w{limits};
  auto silent = raw_peer::dial_plain(w.port);
  EXPECT_EQ(silent.read_plain(1), "");
  auto after_tls = raw_peer::dial(w.port, &server_identity());
  EXPECT_EQ(after_tls.read_all(), "");
}

TEST(ListeningWorker, StopsIdleConnectionsAtOnceAndOthersAfterTheirAnswer) {
  listening_world w;
  watched<reply_function> reply;
  auto idle = w.dial();
  EXPECT_EQ(ask(idle, "1", "one"), "1=one");
  w.handler = [&](rpc_request x, reply_function answer) {
    reply.change([&](auto& f) {
      f = [answer = std::move(answer), id = x.id](rpc_response response) {
        response.id = id;
        answer(std::move(response));
      };
    });
  };
  auto busy = w.dial();
  busy.send(request_message("2", "two"));
  ASSERT_TRUE(reply.wait([](auto& f) { return static_cast<bool>(f); }));
  std::promise<void> done;
  w.worker->stop(20s, [&] { done.set_value(); });
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_THROW(raw_peer::dial_plain(w.port), std::runtime_error);
  reply.get()({});
  EXPECT_FALSE(busy.read_message().empty());
  EXPECT_EQ(done.get_future().wait_for(patience), std::future_status::ready);
}

TEST(ListeningWorker, DoesNotListenWithoutAnybodyToTrust) {
  listening_world w;
  listening_options options;
  options.bind = "127.0.0.1";
  options.port = 0;
  listening_service lonely{w.thread, w.disk, worker_identity(), options, {}};
  auto bound = lonely.start();
  ASSERT_FALSE(bound.has_value());
  EXPECT_NE(bound.error().text.find("no thumbprint"), std::string::npos);
}

TEST(ListeningWorker, SaysWhyItCannotListen) {
  listening_world w;
  listening_options options;
  options.bind = "127.0.0.1";
  options.port = w.port;
  options.trusted = {server_identity().thumbprint()};
  listening_service second{w.thread, w.disk, worker_identity(), options, {}};
  auto bound = second.start();
  ASSERT_FALSE(bound.has_value());
  EXPECT_NE(bound.error().text.find(std::to_string(w.port)), std::string::npos);
}
