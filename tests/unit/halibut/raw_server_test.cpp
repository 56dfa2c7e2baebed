// The worker against a server that does exactly what the test says.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <thread>

#include "fixture.hpp"
#include "infra/halibut/envelope.hpp"
#include "infra/halibut/inflater.hpp"
#include "raw_peer.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace cuttle::halibut::test;

namespace {

const std::string proceed = "PROCEED\r\n";

/// A worker that polls a listener of ours.
struct polled {
  explicit polled(halibut::limits limits = {}) {
    w.port = listener.port();
    auto options = w.service_options();
    options.limits = limits;
    w.start_worker(options, w.endpoint());
  }

  raw_peer accept() {
    return listener.accept(server_identity());
  }

  /// Accepts and does the handshake.
  raw_peer greeted() {
    auto result = accept();
    greet(result);
    return result;
  }

  raw_listener listener;
  world w;
};

/// One call on a connection in the state after the handshake or PROCEED.
void expect_call(raw_peer& peer, const std::string& id) {
  peer.send(request_message(id, "text"));
  auto bytes = peer.read_message();
  auto response = decode_response(
    {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, {});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->response.id, id);
  EXPECT_EQ(text_of(response->response.result), "text");
  EXPECT_EQ(peer.read_line(), "NEXT\r\n");
}

/// The worker must drop `peer` and come back; reports why it did.
std::string expect_dropped(polled& p, raw_peer& peer) {
  EXPECT_EQ(peer.read_all(), "");
  auto event = p.w.wait_event(link_event::kind::disconnected);
  auto again = p.greeted();
  expect_call(again, "again");
  again.send(proceed);
  return event.reason.text;
}

} // namespace

TEST(PollingWorker, SendsPreambleAndSubscription_HAL20_HAL21) {
  polled p;
  auto peer = p.accept();
  ASSERT_TRUE(peer.secure());
  EXPECT_EQ(greet(peer),
            "MX\r\n\r\nMX-SUBSCRIBER 1.0 poll://test00vectors/\r\n\r\n");
}

TEST(PollingWorker, WritesItsIdentityInOneRecord_HAL20) {
  polled p;
  auto peer = p.accept();
  EXPECT_EQ(peer.read(6), "MX\r\n\r\n");
  std::array<char, 1'000> record;
  auto size = SSL_read(peer.tls(), record.data(), record.size());
  EXPECT_EQ(std::string(record.data(), static_cast<std::size_t>(size)),
            "MX-SUBSCRIBER 1.0 poll://test00vectors/\r\n\r\n");
}

TEST(PollingWorker, ShowsItsCertificate_HAL07) {
  polled p;
  auto peer = p.greeted();
  auto shown = SSL_get0_peer_certificate(peer.tls());
  ASSERT_TRUE(shown);
  EXPECT_EQ(X509_cmp(shown, static_cast<X509*>(worker_identity().x509())), 0);
}

TEST(PollingWorker, AnswersANullMessageWithNextOnly_HAL30_HAL31) {
  polled p;
  auto peer = p.greeted();
  for (int i = 0; i < 3; ++i) {
    peer.send(null_message());
    EXPECT_EQ(peer.read_line(), "NEXT\r\n");
    peer.send(proceed);
  }
  expect_call(peer, "after null messages");
  EXPECT_EQ(p.w.handled.get().size(), 1u);
}

TEST(PollingWorker, AcceptsAnyVersionOfTheServer_HAL23) {
  polled p;
  auto peer = p.accept();
  for (int i = 0; i < 4; ++i)
    peer.read_line();
  peer.send("MX-SERVER 9.9 and more\r\n\r\n");
  expect_call(peer, "one");
}

TEST(PollingWorker, ReadsOneByteRecords_HAL50) {
  polled p;
  auto peer = p.accept();
  for (int i = 0; i < 4; ++i)
    peer.read_line();
  peer.send_slowly("MX-SERVER 1.0\r\n\r\n");
  for (auto id : {"one", "two"}) {
    peer.send_slowly(request_message(id, "text"));
    EXPECT_FALSE(peer.read_message().empty());
    EXPECT_EQ(peer.read_line(), "NEXT\r\n");
    peer.send_slowly(proceed);
  }
}

TEST(PollingWorker, KeepsWhatFollowsInTheSameRecord_HAL49) {
  polled p;
  auto peer = p.accept();
  for (int i = 0; i < 4; ++i)
    peer.read_line();
  // Everything that a server will ever say, at once.
  peer.send("MX-SERVER 1.0\r\n\r\n" + null_message() + proceed
            + request_message("one", "text") + proceed + null_message());
  EXPECT_EQ(peer.read_line(), "NEXT\r\n");
  EXPECT_FALSE(peer.read_message().empty());
  EXPECT_EQ(peer.read_line(), "NEXT\r\n");
  EXPECT_EQ(peer.read_line(), "NEXT\r\n");
}

TEST(PollingWorker, SkipsEmptyLinesBeforeProceed_HAL33) {
  polled p;
  auto peer = p.greeted();
  peer.send(null_message());
  EXPECT_EQ(peer.read_line(), "NEXT\r\n");
  peer.send("\r\n\r\n" + proceed);
  expect_call(peer, "one");
}

TEST(PollingWorker, DropsAConnectionWithAnotherLineThanProceed_HAL34) {
  polled p;
  auto peer = p.greeted();
  peer.send(null_message());
  EXPECT_EQ(peer.read_line(), "NEXT\r\n");
  peer.send("HALT\r\n");
  EXPECT_NE(expect_dropped(p, peer).find("HALT"), std::string::npos);
}

TEST(PollingWorker, DropsAConnectionWithoutProceedInTime_HAL34) {
  halibut::limits limits;
  limits.control = 100ms;
  polled p{limits};
  auto peer = p.greeted();
  peer.send(null_message());
  EXPECT_EQ(peer.read_line(), "NEXT\r\n");
  EXPECT_NE(expect_dropped(p, peer).find("PROCEED"), std::string::npos);
}

TEST(PollingWorker, DropsASilentServer_HAL35) {
  halibut::limits limits;
  limits.request_wait = 100ms;
  polled p{limits};
  auto peer = p.greeted();
  EXPECT_NE(expect_dropped(p, peer).find("timed out"), std::string::npos);
}

TEST(PollingWorker, DropsAServerThatDoesNotIdentifyItself_HAL88) {
  halibut::limits limits;
  limits.handshake = 200ms;
  polled p{limits};
  auto peer = p.accept();
  EXPECT_NE(p.w.wait_event(link_event::kind::disconnected)
              .reason.text.find("the server's identity"),
            std::string::npos);
}

TEST(PollingWorker, DropsAServerThatMakesNoTls_HAL11) {
  halibut::limits limits;
  limits.handshake = 100ms;
  polled p{limits};
  auto peer = p.listener.accept_plain();
  EXPECT_NE(p.w.wait_event(link_event::kind::disconnected)
              .reason.text.find("TLS handshake"),
            std::string::npos);
}

TEST(PollingWorker, DropsAPeerThatIsNoServer_HAL24) {
  for (std::string words :
       {"MX-CLIENT 1.0\r\n\r\n", "MX-SERVER 1.0\r\nX\r\n", "MX-SERVER 1.0\rX",
        "HTTP/1.1 400\r\n\r\n", "MX-SERVER\n 1.0\r\n\r\n"}) {
    polled p;
    auto peer = p.accept();
    for (int i = 0; i < 4; ++i)
      peer.read_line();
    peer.send(words);
    expect_dropped(p, peer);
  }
}

TEST(PollingWorker, SuspectsMissingTrustWhenTheServerHangsUp_HAL29) {
  for (auto reset : {false, true}) {
    polled p;
    auto peer = p.accept();
    for (int i = 0; i < 4; ++i)
      peer.read_line();
    peer.close(reset);
    auto reason = p.w.wait_event(link_event::kind::disconnected).reason;
    EXPECT_EQ(reason.code, errc::forbidden);
    EXPECT_NE(reason.text.find(worker_identity().thumbprint()),
              std::string::npos)
      << reason.text;
  }
}

TEST(PollingWorker, ComesBackAfterAnUndecodableMessage_HAL40) {
  std::vector<std::string> messages;
  messages.push_back("NEXT\r\n");
  messages.push_back("END\r\n");
  messages.push_back("\x78\x9c zlib header");
  // Deflated well, with the length of the root, and no BSON inside.
  bson_bytes nonsense(100, 'x');
  nonsense[0] = 100;
  nonsense[1] = nonsense[2] = nonsense[3] = nonsense[99] = 0;
  auto broken = deflate_message(nonsense);
  messages.emplace_back(broken.begin(), broken.end());
  for (auto& message : messages) {
    polled p;
    auto peer = p.greeted();
    peer.send(message);
    // Bytes that may still be a message keep it waiting for the rest.
    peer.send(std::string(4'096, '\xFF'));
    expect_dropped(p, peer);
  }
}

TEST(PollingWorker, ComesBackWhenCutInAnyPhase_HAL12) {
  auto request = request_message("one", "text");
  for (auto reset : {false, true}) {
    polled p;
    p.listener.accept_plain().close(reset);
    p.accept().close(reset);
    p.greeted().close(reset);
    {
      auto peer = p.greeted();
      peer.send(request.substr(0, request.size() / 2));
      peer.close(reset);
    }
    {
      auto peer = p.greeted();
      peer.send(request);
      peer.close(reset);
    }
    {
      auto peer = p.greeted();
      peer.send(request);
      peer.read(10);
      peer.close(reset);
    }
    {
      auto peer = p.greeted();
      peer.send(null_message());
      peer.read_line();
      peer.close(reset);
    }
    auto peer = p.greeted();
    expect_call(peer, "after all");
  }
}

TEST(PollingWorker, DoesNotCancelAHandlerWhoseConnectionBroke_HAL41) {
  watched<std::vector<reply_function>> open;
  polled p;
  p.w.handler = [&](rpc_request, reply_function reply) {
    open.change([&](auto& x) { x.push_back(reply); });
  };
  {
    auto peer = p.greeted();
    peer.send(request_message("one", "text"));
    ASSERT_TRUE(open.wait([](auto& x) { return x.size() == 1; }));
    peer.close(true);
  }
  // The answer goes nowhere; then the worker dials again.
  open.get()[0]({});
  auto peer = p.greeted();
  peer.send(request_message("two", "text"));
  ASSERT_TRUE(open.wait([](auto& x) { return x.size() == 2; }));
  open.get()[1]({});
  EXPECT_FALSE(peer.read_message().empty());
  EXPECT_EQ(p.w.handled.get(), (std::vector<std::string>{"one", "two"}));
}

TEST(PollingWorker, SendsEndInThePlaceOfNextWhenStopped_HAL44) {
  watched<std::vector<reply_function>> open;
  polled p;
  p.w.handler = [&](rpc_request, reply_function reply) {
    open.change([&](auto& x) { x.push_back(reply); });
  };
  auto peer = p.greeted();
  peer.send(request_message("one", "text"));
  ASSERT_TRUE(open.wait([](auto& x) { return x.size() == 1; }));
  std::promise<void> done;
  p.w.worker->stop(30s, [&] { done.set_value(); });
  open.get()[0]({});
  EXPECT_FALSE(peer.read_message().empty());
  EXPECT_EQ(peer.read_all(), "END\r\n");
  EXPECT_EQ(done.get_future().wait_for(patience), std::future_status::ready);
}

TEST(PollingWorker, RefusesAMessageOverItsLimit_HAL54) {
  halibut::limits limits;
  limits.message_bytes = 2'000;
  polled p{limits};
  auto peer = p.greeted();
  peer.send(request_message("big", std::string(2'000, 'x')));
  EXPECT_NE(expect_dropped(p, peer).find("limit"), std::string::npos);
}

TEST(PollingWorker, WritesNothingMoreBeforeTheFirstMessage_HAL22) {
  auto limits = quick_limits();
  limits.request_wait = 300ms;
  polled p{limits};
  auto peer = p.greeted();
  // It would rather give up than speak first.
  EXPECT_EQ(peer.read_all(), "");
}

TEST(PollingWorker, HasNoTimeLimitWhileItsHandlerRuns_HAL36) {
  auto limits = quick_limits();
  limits.request_wait = 100ms;
  limits.control = 100ms;
  polled p{limits};
  watched<reply_function> reply;
  p.w.handler = [&](rpc_request x, reply_function answer) {
    reply.change([&](auto& f) {
      f = [id = x.id, answer = std::move(answer)](rpc_response response) {
        response.id = id;
        answer(std::move(response));
      };
    });
  };
  auto peer = p.greeted();
  peer.send(request_message("slow", "text"));
  ASSERT_TRUE(reply.wait([](auto& f) { return static_cast<bool>(f); }));
  // Several times every limit but the handler's own.
  EXPECT_EQ(p.w.events.get().size(), 1u);
  std::this_thread::sleep_for(500ms);
  reply.get()({});
  EXPECT_FALSE(peer.read_message().empty());
  EXPECT_EQ(peer.read_line(), "NEXT\r\n");
  EXPECT_EQ(p.w.events.get().size(), 1u);
}

TEST(PollingWorker, KeepsItsConnectionAliveAndItsSegmentsSmall_HAL03) {
  polled p;
  auto peer = p.greeted();
  // The worker's end of it, found by its ports.
  sockaddr_in theirs{};
  socklen_t size = sizeof theirs;
  ASSERT_EQ(getpeername(SSL_get_fd(peer.tls()),
                        reinterpret_cast<sockaddr*>(&theirs), &size),
            0);
  auto found = false;
  for (int fd = 0; fd < 1024 && !found; ++fd) {
    sockaddr_in own{};
    size = sizeof own;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) != 0
        || own.sin_family != AF_INET || own.sin_port != theirs.sin_port)
      continue;
    found = true;
    auto option = [fd](int level, int name) {
      int value = 0;
      socklen_t length = sizeof value;
      getsockopt(fd, level, name, &value, &length);
      return value;
    };
    EXPECT_EQ(option(SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option(IPPROTO_TCP, TCP_KEEPIDLE), 15);
    EXPECT_EQ(option(IPPROTO_TCP, TCP_KEEPINTVL), 5);
    EXPECT_EQ(option(IPPROTO_TCP, TCP_KEEPCNT), 10);
    EXPECT_EQ(option(IPPROTO_TCP, TCP_NODELAY), 1);
  }
  EXPECT_TRUE(found);
}
