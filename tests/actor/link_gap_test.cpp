// Lines that the pod's log lacks and the runner may still have.

#include "link_fixture.hpp"

namespace cuttle::test {

namespace {

class LinkGapTest : public link_fixture {
protected:
  // The pod's log is read, and lacks the lines before the fiftieth, also when
  // it is read again.
  void read_rotated_log() {
    begin();
    cluster.run(ticket);
    settle();
    advance(patience->link);
    cluster.feed(ticket, lines(1, 2) + lines(50, 60));
    settle();
    ASSERT_EQ(cluster.follows.size(), 2u) << "once more, from its start";
    cluster.feed(ticket, lines(50, 60));
    settle();
    EXPECT_EQ(output(), numbered(1, 2));
  }
};

// A busy node: the runner dials later than it is waited for, and the kubelet
// has rotated the log meanwhile.
TEST_F(LinkGapTest, ThatComesLateStillHasWhatARotatedLogLacks_LOG13) {
  read_rotated_log();
  EXPECT_EQ(cluster.log_of(ticket), nullptr) << "its rest would leave a gap";
  advance(patience->missing_lines - 1ms);
  session = links.dial(ticket, 3);
  settle();
  ASSERT_EQ(links.resumed.size(), 1u);
  EXPECT_EQ(links.resumed[0].second, 2);
  send(lines(3, 60) + end(61, 0));
  cluster.finish(ticket, 0);
  serve();
  auto x = status(ticket);
  EXPECT_EQ(texts(x, output_source::out), numbered(1, 60));
  EXPECT_TRUE(texts(x, output_source::err).empty());
  EXPECT_EQ(x.state, process_state::complete);
}

TEST_F(LinkGapTest, ThatIsMissingBeforeARestartIsWaitedForAfterIt_LOG13_RST01) {
  link();
  cluster.run(ticket);
  send(lines(1, 2));
  status(ticket, 2);
  settle();
  restart();
  status(ticket, 2);
  settle();
  advance(patience->link_again);
  for (auto i = 0; i < 2; ++i) {
    cluster.feed(ticket, lines(50, 60));
    settle();
  }
  EXPECT_EQ(output(2), std::vector<std::string>{});
  session = links.dial(ticket, 3);
  settle();
  send(lines(3, 60));
  auto x = status(ticket, 2);
  EXPECT_EQ(texts(x, output_source::out), numbered(3, 60));
  EXPECT_TRUE(texts(x, output_source::err).empty());
}

// The runner has ended already, but the cluster says so much later.
TEST_F(LinkGapTest, ThatEndedLeftWhatARotatedLogLacks_LOG13_RST04) {
  read_rotated_log();
  store.kept[ticket.key()] = lines(3, 60) + end(61, 5);
  cluster.finish(ticket, 5);
  serve();
  auto x = status(ticket);
  EXPECT_EQ(texts(x, output_source::out), numbered(1, 60));
  EXPECT_TRUE(texts(x, output_source::err).empty());
  EXPECT_EQ(x.exit_code, 5);
}

TEST_F(LinkGapTest, ThatNeverComesLeavesAnExactAccountOfARotatedLog_LOG13) {
  read_rotated_log();
  advance(patience->missing_lines);
  cluster.feed(ticket, lines(50, 60));
  settle();
  auto x = status(ticket);
  EXPECT_EQ(texts(x, output_source::out).size(), 2u + 11u);
  EXPECT_TRUE(says(x, output_source::err, "47 lines of output (3 to 49)"));
  // It is not waited for again.
  cluster.feed(ticket, lines(70, 71));
  settle();
  EXPECT_TRUE(says(status(ticket), output_source::err, "(61 to 69)"));
}

TEST_F(LinkGapTest, WhoseRunnerDroppedTheLinesIsNotWaitedFor_LOG13) {
  read_rotated_log();
  session = links.dial(ticket, 61);
  settle();
  EXPECT_TRUE(links.resumed.empty());
  for (auto i = 0; i < 2; ++i) {
    cluster.feed(ticket, lines(50, 60));
    settle();
  }
  EXPECT_TRUE(says(status(ticket), output_source::err, "(3 to 49)"));
  ASSERT_EQ(links.resumed.size(), 1u);
  EXPECT_EQ(links.resumed[0].second, 60);
}

} // namespace

} // namespace cuttle::test
