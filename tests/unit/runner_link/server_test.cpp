#include <gtest/gtest.h>

#include "tests/unit/runner_link/played_worker.hpp"
#include "tests/unit/runner_link/raw_runner.hpp"

using namespace cuttle;
using namespace cuttle::runner_link;
using namespace cuttle::runner_link::test;

namespace {

crypto::log_key key_of(std::uint8_t x) {
  crypto::log_key result;
  result.value.fill(x);
  return result;
}

struct RunnerLinkServer : testing::Test {
  halibut::io_thread thread;
  crypto::log_key key = key_of(7);
  script_ticket ticket{"Ticket-1"};
  played_worker worker{key};
};

} // namespace

TEST_F(RunnerLinkServer, ServesARunnerFromHelloToFarewell) {
  test_server uut{thread};
  worker.set({true, false, false});
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  raw_runner runner{uut.port};
  ASSERT_TRUE(runner.secure("Ticket-1", key));
  ASSERT_TRUE(runner.send("hello 1 5\n"));
  EXPECT_EQ(runner.line(), "from 4");
  auto session = worker.wait_session();
  EXPECT_EQ(session.first, 5);
  EXPECT_NE(session.id, 0u);
  ASSERT_TRUE(runner.send("one\ntw"));
  ASSERT_TRUE(runner.send("o\n"));
  EXPECT_EQ(worker.wait_bytes(8), "one\ntwo\n");
  uut.get().received(session.id, 6);
  EXPECT_EQ(runner.line(), "got 6");
  uut.get().acknowledge(session.id, 6);
  EXPECT_EQ(runner.line(), "ack 6");
  runner.close();
  auto closed = worker.wait_closed();
  EXPECT_EQ(closed.id, session.id);
  EXPECT_EQ(closed.reason.code, errc::unavailable);
}

TEST_F(RunnerLinkServer, KnowsATicketInAnyCase) {
  test_server uut{thread};
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  raw_runner runner{uut.port};
  ASSERT_TRUE(runner.secure("tICKET-1", key));
  ASSERT_TRUE(runner.send("hello 1 1\n"));
  EXPECT_EQ(runner.line(), "from 0");
}

TEST_F(RunnerLinkServer, SendsNothingBeforeItIsTold) {
  test_server uut{thread};
  worker.set({false, false, false});
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  raw_runner runner{uut.port};
  ASSERT_TRUE(runner.secure("Ticket-1", key));
  ASSERT_TRUE(runner.send("hello 1 1\n"));
  auto session = worker.wait_session();
  uut.get().acknowledge(session.id, 3);
  uut.get().resume(session.id, 2);
  // Once for a session.
  uut.get().resume(session.id, 9);
  EXPECT_EQ(runner.line(), "from 2");
  EXPECT_EQ(runner.line(), "ack 3");
}

TEST_F(RunnerLinkServer, SendsOnlyTheNewestNumbers) {
  test_server uut{thread};
  worker.set({false, false, false});
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  raw_runner runner{uut.port};
  ASSERT_TRUE(runner.secure("Ticket-1", key));
  ASSERT_TRUE(runner.send("hello 1 1\n"));
  auto id = worker.wait_session().id;
  for (std::int64_t i = 1; i <= 1000; ++i) {
    uut.get().received(id, i);
    uut.get().acknowledge(id, 1001 - i);
  }
  uut.get().resume(id, 0);
  EXPECT_EQ(runner.line(), "from 0");
  EXPECT_EQ(runner.line(), "got 1000");
  EXPECT_EQ(runner.line(), "ack 1000");
}

TEST_F(RunnerLinkServer, PassesSignsOfLifeOnToNobodyAndSendsItsOwn) {
  server_options options;
  options.silence = std::chrono::milliseconds{600};
  test_server uut{thread, options};
  worker.set({true, false, false});
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  raw_runner runner{uut.port};
  ASSERT_TRUE(runner.secure("Ticket-1", key));
  ASSERT_TRUE(runner.send("hello 1 1\n"));
  ASSERT_EQ(runner.line(), "from 0");
  ASSERT_TRUE(runner.send("\n"));
  ASSERT_TRUE(runner.send("a\n"));
  ASSERT_TRUE(runner.send("\n"));
  ASSERT_TRUE(runner.send("\n"));
  ASSERT_TRUE(runner.send("b\n"));
  EXPECT_EQ(worker.wait_bytes(4), "a\nb\n");
  // Nothing comes but signs of life, until our silence has ended it.
  EXPECT_EQ(runner.line(), std::nullopt);
  EXPECT_GE(runner.signs(), 1);
  EXPECT_EQ(worker.wait_closed().reason.code, errc::deadline_exceeded);
}

TEST_F(RunnerLinkServer, DoesNotReadWithoutRoom) {
  test_server uut{thread};
  worker.set({true, false, false});
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  raw_runner runner{uut.port};
  ASSERT_TRUE(runner.secure("Ticket-1", key));
  ASSERT_TRUE(runner.send("hello 1 1\n"));
  auto id = worker.wait_session().id;
  ASSERT_EQ(runner.line(), "from 0");
  uut.get().set_room(id, false);
  // Only after the answer it is sure that the room is gone.
  uut.get().received(id, 1);
  ASSERT_EQ(runner.line(), "got 1");
  std::string text(16 * 1024, 'x');
  auto sent = runner.send_until_stuck(text);
  EXPECT_GT(sent, 0u);
  EXPECT_EQ(worker.wait_session().bytes, "");
  // Our answers go on.
  uut.get().acknowledge(id, 1);
  EXPECT_EQ(runner.line(), "ack 1");
  uut.get().set_room(id, true);
  auto some = std::min<std::size_t>(sent, 512 * 1024);
  EXPECT_GE(worker.wait_bytes(some).size(), some);
}

TEST_F(RunnerLinkServer, LetsASecondConnectionReplaceTheFirst) {
  test_server uut{thread};
  worker.set({true, false, false});
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  raw_runner first{uut.port};
  ASSERT_TRUE(first.secure("Ticket-1", key));
  ASSERT_TRUE(first.send("hello 1 1\n"));
  ASSERT_EQ(first.line(), "from 0");
  raw_runner second{uut.port};
  ASSERT_TRUE(second.secure("Ticket-1", key));
  ASSERT_TRUE(second.send("hello 1 3\n"));
  ASSERT_EQ(second.line(), "from 2");
  EXPECT_TRUE(first.ended());
  ASSERT_TRUE(worker.wait([&] {
    auto& all = worker.sessions();
    return all.size() == 2 && all[0].closed && !all[1].closed;
  }));
  EXPECT_EQ(worker.sessions()[0].reason.text, "the runner has connected anew");
  ASSERT_TRUE(second.send("x\n"));
  EXPECT_EQ(worker.wait_bytes(2), "x\n");
}

TEST_F(RunnerLinkServer, ForgetsARunnerAtOnce) {
  test_server uut{thread};
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  raw_runner runner{uut.port};
  ASSERT_TRUE(runner.secure("Ticket-1", key));
  ASSERT_TRUE(runner.send("hello 1 1\n"));
  ASSERT_EQ(runner.line(), "from 0");
  uut.get().forget(ticket);
  EXPECT_TRUE(runner.ended());
  raw_runner again{uut.port};
  EXPECT_FALSE(again.secure("Ticket-1", key));
  EXPECT_EQ(worker.wait_session().closed, false);
}

TEST_F(RunnerLinkServer, EndsTheLinkOfAnExpectationThatIsReplaced) {
  auto other_key = key_of(9);
  // (before the server, which tells it of the end of its links)
  played_worker other{other_key};
  test_server uut{thread};
  uut.get().expect(ticket, key, worker.tell(uut.get()));
  raw_runner runner{uut.port};
  ASSERT_TRUE(runner.secure("Ticket-1", key));
  ASSERT_TRUE(runner.send("hello 1 1\n"));
  ASSERT_EQ(runner.line(), "from 0");
  uut.get().expect(ticket, other_key, other.tell(uut.get()));
  EXPECT_TRUE(runner.ended());
  raw_runner old{uut.port};
  EXPECT_FALSE(old.secure("Ticket-1", key));
  raw_runner again{uut.port};
  ASSERT_TRUE(again.secure("Ticket-1", other_key));
  ASSERT_TRUE(again.send("hello 1 1\n"));
  EXPECT_EQ(other.wait_session().first, 1);
}

TEST_F(RunnerLinkServer, TellsNothingOnceItIsDestroyed) {
  raw_runner* runner = nullptr;
  std::unique_ptr<raw_runner> owner;
  {
    test_server uut{thread};
    uut.get().expect(ticket, key, worker.tell(uut.get()));
    owner = std::make_unique<raw_runner>(uut.port);
    runner = owner.get();
    ASSERT_TRUE(runner->secure("Ticket-1", key));
    ASSERT_TRUE(runner->send("hello 1 1\n"));
    ASSERT_EQ(runner->line(), "from 0");
  }
  EXPECT_TRUE(runner->ended());
  EXPECT_FALSE(worker.sessions().at(0).closed);
}
