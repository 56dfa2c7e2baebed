#include <atomic>
#include <gtest/gtest.h>
#include <thread>

#include "tests/unit/runner_link/played_worker.hpp"
#include "tests/unit/runner_link/raw_runner.hpp"

using namespace cuttle;
using namespace cuttle::runner_link;
using namespace cuttle::runner_link::test;

namespace {

struct RunnerLinkTrouble : testing::Test {
  RunnerLinkTrouble() {
    key.value.fill(7);
    worker.set({true, false, false});
  }

  /// The server still serves a runner that behaves.
  void expect_served(test_server& uut) {
    raw_runner runner{uut.port};
    ASSERT_TRUE(runner.secure("Ticket-1", key));
    ASSERT_TRUE(runner.send("hello 1 1\n"));
    ASSERT_EQ(runner.line(), "from 0");
    ASSERT_TRUE(runner.send("x\n"));
    EXPECT_EQ(worker.wait_bytes(2), "x\n");
  }

  halibut::io_thread thread;
  crypto::log_key key;
  script_ticket ticket{"Ticket-1"};
  played_worker worker{key};
};

} // namespace

TEST_F(RunnerLinkTrouble, RefusesAForgedKeyInTheHandshake_KEY01) {
  test_server uut{thread};
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  auto forged = key;
  forged.value[31] ^= 1;
  raw_runner runner{uut.port};
  EXPECT_FALSE(runner.secure("Ticket-1", forged));
  EXPECT_TRUE(worker.sessions().empty());
  expect_served(uut);
}

TEST_F(RunnerLinkTrouble, RefusesATicketThatNobodyExpects) {
  test_server uut{thread};
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  for (const auto& name :
       {std::string{"Ticket-2"}, std::string{"x"}, std::string(200, 'x')}) {
    raw_runner runner{uut.port};
    EXPECT_FALSE(runner.secure(name, key)) << name;
  }
  expect_served(uut);
}

TEST_F(RunnerLinkTrouble, SaysOfATicketThatNobodyExpectsWhyItIsRefused) {
  testing::internal::CaptureStderr();
  {
    test_server uut{thread};
    raw_runner runner{uut.port};
    EXPECT_FALSE(runner.secure("Ticket-2", key));
  }
  auto log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("no script of this worker has the ticket"),
            std::string::npos)
    << log;
  EXPECT_EQ(log.find("TLS"), std::string::npos) << log;
}

TEST_F(RunnerLinkTrouble, RefusesGarbageInsteadOfTls) {
  test_server uut{thread};
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  raw_runner runner{uut.port};
  ASSERT_TRUE(runner.send_plain("GET / HTTP/1.1\r\nHost: worker\r\n\r\n"));
  EXPECT_TRUE(runner.ended());
  expect_served(uut);
}

TEST_F(RunnerLinkTrouble, RefusesAHelloThatIsNone) {
  test_server uut{thread};
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  for (const auto& text :
       {std::string{"hallo 1 1\n"}, std::string{"hello 1 0\n"},
        std::string(4096, 'x'), std::string{"hello 1 1\nlines too soon\n"}}) {
    raw_runner runner{uut.port};
    ASSERT_TRUE(runner.secure("Ticket-1", key));
    ASSERT_TRUE(runner.send(text));
    EXPECT_TRUE(runner.ended()) << text;
  }
  EXPECT_TRUE(worker.sessions().empty());
  expect_served(uut);
}

TEST_F(RunnerLinkTrouble, EndsAHandshakeThatDoesNotGoOn) {
  server_options options;
  options.handshake = std::chrono::milliseconds{100};
  test_server uut{thread, options};
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  raw_runner silent{uut.port};
  EXPECT_TRUE(silent.ended());
  raw_runner begun{uut.port};
  ASSERT_TRUE(begun.send_plain("\x16\x03\x01\x02"));
  EXPECT_TRUE(begun.ended());
}

TEST_F(RunnerLinkTrouble, EndsAConnectionWithoutHello) {
  server_options options;
  options.handshake = std::chrono::milliseconds{1'000};
  test_server uut{thread, options};
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  raw_runner runner{uut.port};
  runner.secure("Ticket-1", key);
  EXPECT_TRUE(runner.ended());
  EXPECT_TRUE(worker.sessions().empty());
}

TEST_F(RunnerLinkTrouble, EndsASilentLink) {
  server_options options;
  options.silence = std::chrono::milliseconds{200};
  test_server uut{thread, options};
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  raw_runner runner{uut.port};
  ASSERT_TRUE(runner.secure("Ticket-1", key));
  ASSERT_TRUE(runner.send("hello 1 1\n"));
  auto closed = worker.wait_closed();
  EXPECT_EQ(closed.reason.code, errc::deadline_exceeded);
  EXPECT_EQ(closed.reason.text, "the runner has said nothing for 200 ms");
}

TEST_F(RunnerLinkTrouble, SurvivesACutAtEveryStep) {
  test_server uut{thread};
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  { raw_runner runner{uut.port}; }
  {
    raw_runner runner{uut.port};
    ASSERT_TRUE(runner.send_plain("\x16\x03\x01"));
    runner.reset();
  }
  {
    raw_runner runner{uut.port};
    ASSERT_TRUE(runner.secure("Ticket-1", key));
    runner.reset();
  }
  {
    raw_runner runner{uut.port};
    ASSERT_TRUE(runner.secure("Ticket-1", key));
    ASSERT_TRUE(runner.send("hello 1"));
    runner.close();
  }
  {
    raw_runner runner{uut.port};
    ASSERT_TRUE(runner.secure("Ticket-1", key));
    ASSERT_TRUE(runner.send("hello 1 1\n"));
    ASSERT_EQ(runner.line(), "from 0");
    ASSERT_TRUE(runner.send("half a line"));
    EXPECT_EQ(worker.wait_bytes(11), "half a line");
    runner.reset();
  }
  EXPECT_EQ(worker.wait_closed().reason.code, errc::unavailable);
  expect_served(uut);
}

TEST_F(RunnerLinkTrouble, ClosesWhatGoesBeyondTheLimitOfConnections) {
  server_options options;
  options.connections = 2;
  played_worker second{key};
  test_server uut{thread, options};
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  script_ticket other{"Ticket-2"};
  second.set({true, false, false});
  uut.get().expect(other, key, second.tell(uut.get()));
  raw_runner one{uut.port};
  ASSERT_TRUE(one.secure("Ticket-1", key));
  ASSERT_TRUE(one.send("hello 1 1\n"));
  ASSERT_EQ(one.line(), "from 0");
  {
    raw_runner two{uut.port};
    ASSERT_TRUE(two.secure("Ticket-2", key));
    ASSERT_TRUE(two.send("hello 1 1\n"));
    ASSERT_EQ(two.line(), "from 0");
    raw_runner three{uut.port};
    EXPECT_TRUE(three.ended());
    two.close();
  }
  EXPECT_EQ(second.wait_closed().closed, true);
  raw_runner again{uut.port};
  ASSERT_TRUE(again.secure("Ticket-2", key));
}

TEST_F(RunnerLinkTrouble, LetsAStrangerGiveWayWhenAllConnectionsAreInUse) {
  server_options options;
  options.connections = 1;
  test_server uut{thread, options};
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  raw_runner stranger{uut.port};
  // Refused while the stranger is young, served afterwards.
  for (auto served = false; !served;) {
    raw_runner runner{uut.port};
    served = runner.secure("Ticket-1", key);
  }
  EXPECT_TRUE(stranger.ended());
}

TEST_F(RunnerLinkTrouble, ServesTheOthersBesideAFloodOfSignsOfLife) {
  // (the server tells it of its end)
  played_worker second{key};
  test_server uut{thread};
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  script_ticket other{"Ticket-2"};
  uut.get().expect(other, key, second.tell(uut.get()));
  raw_runner flood{uut.port};
  ASSERT_TRUE(flood.secure("Ticket-2", key));
  ASSERT_TRUE(flood.send("hello 1 1\n"));
  ASSERT_EQ(flood.line(), "from 0");
  std::atomic<bool> stop = false;
  std::thread flooding{[&] {
    while (!stop && flood.send("\n")) {
    }
  }};
  for (auto i = 0; i < 5; ++i) {
    raw_runner runner{uut.port};
    EXPECT_TRUE(runner.secure("Ticket-1", key));
    EXPECT_TRUE(runner.send("hello 1 1\n"));
    EXPECT_EQ(runner.line(), "from 0");
  }
  stop = true;
  flooding.join();
  EXPECT_EQ(second.wait_session().bytes, "");
}

TEST_F(RunnerLinkTrouble, ListensOnBothKindsOfAddressByDefault) {
  std::uint16_t port = 0;
  auto made = make_server(thread, {}, port);
  ASSERT_TRUE(made) << made.error().text;
  (*made)->expect(ticket, key, worker.tell(**made));
  raw_runner runner{port};
  ASSERT_TRUE(runner.secure("Ticket-1", key));
  ASSERT_TRUE(runner.send("hello 1 1\n"));
  EXPECT_EQ(runner.line(), "from 0");
}

TEST_F(RunnerLinkTrouble, SaysThatItCannotListen) {
  test_server uut{thread};
  server_options options;
  options.bind = "127.0.0.1";
  options.port = uut.port;
  std::uint16_t port = 0;
  auto refused = make_server(thread, options, port);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::unavailable);
}
