// The runner's own link as the way of a script's output, and what is done
// without it.

#include "link_fixture.hpp"

namespace cuttle::test {

namespace {

class LinkTest : public link_fixture {};

TEST_F(LinkTest, BringsTheWholeOutputWithoutARequestForThePodsLog_LOG01) {
  link();
  cluster.run(ticket);
  send(lines(1, 3));
  EXPECT_EQ(output(), numbered(1, 3));
  send(line(4) + end(5, 7));
  cluster.finish(ticket, 7);
  serve();
  auto x = status(ticket);
  EXPECT_EQ(x.state, process_state::complete);
  EXPECT_EQ(x.exit_code, 7);
  EXPECT_EQ(texts(x, output_source::out), numbered(1, 4));
  EXPECT_EQ(links.got[session], 5) << "the runner may end";
  EXPECT_TRUE(cluster.follows.empty());
  EXPECT_EQ(store.kept_reads, 0u);
}

TEST_F(LinkTest, IsReadBeforeTheWatchHasSeenThePodRun) {
  link();
  send(lines(1, 2));
  auto x = status(ticket);
  EXPECT_EQ(texts(x, output_source::out), numbered(1, 2));
  EXPECT_EQ(x.state, process_state::running);
}

TEST_F(LinkTest, AcknowledgesWhatTheServerHasConfirmedAndNoMore_RST01) {
  link();
  send(lines(1, 5));
  EXPECT_EQ(output(), numbered(1, 5));
  EXPECT_EQ(links.got[session], 5);
  EXPECT_FALSE(links.acknowledged.contains(session))
    << "the server may not have got the answer";
  status(ticket, 3);
  settle();
  EXPECT_EQ(links.acknowledged[session], 3);
}

TEST_F(LinkTest, LeavesTheOutputToThePodsLogWhenTheRunnerDoesNotDial) {
  begin();
  cluster.run(ticket);
  settle();
  advance(patience->link - 1ms);
  EXPECT_TRUE(cluster.follows.empty());
  advance(1ms);
  ASSERT_EQ(cluster.follows.size(), 1u);
  cluster.write_lines(ticket, 3);
  serve();
  EXPECT_EQ(output(), numbered(1, 3));
}

TEST_F(LinkTest, IsTakenAlsoWhenItComesLateAndEachLineIsThereOnce_LOG11) {
  begin();
  cluster.run(ticket);
  settle();
  advance(patience->link);
  cluster.feed(ticket, lines(1, 2) + line(3).substr(0, 40));
  settle();
  session = links.dial(ticket);
  settle();
  ASSERT_EQ(links.resumed.size(), 1u);
  EXPECT_EQ(links.resumed[0].second, 2);
  EXPECT_EQ(cluster.log_of(ticket), nullptr) << "the stream is cancelled";
  send(lines(3, 4));
  EXPECT_EQ(output(), numbered(1, 4));
}

TEST_F(LinkTest, HardlyWaitsOnceSeveralRunnersHaveNotDialled) {
  load();
  for (int i = 1; i <= 4; ++i) {
    script_ticket next{"Missed-" + std::to_string(i)};
    started(next);
    cluster.run(next);
    settle();
    advance(i <= 3 ? patience->link : patience->link_missed);
    EXPECT_EQ(cluster.follows.size(), static_cast<std::size_t>(i));
  }
  // One that dials brings the patience back.
  started(ticket);
  links.dial(ticket);
  settle();
  script_ticket last{"Later"};
  started(last);
  cluster.run(last);
  settle();
  advance(patience->link_missed);
  EXPECT_EQ(cluster.follows.size(), 4u);
}

TEST_F(LinkTest, GoesOnAfterTheLastLineWhenItIsDialledAnew_LOG11) {
  link();
  send(lines(1, 2) + line(3).substr(0, 30));
  links.hang_up(ticket);
  settle();
  session = links.dial(ticket);
  settle();
  ASSERT_EQ(links.resumed.size(), 2u);
  EXPECT_EQ(links.resumed[1], (std::pair{session, std::int64_t{2}}));
  send(lines(3, 5));
  EXPECT_EQ(output(), numbered(1, 5));
  EXPECT_TRUE(cluster.follows.empty());
}

TEST_F(LinkTest, ThatStaysAwayGivesWayToThePodsLog) {
  link();
  cluster.run(ticket);
  send(lines(1, 2));
  links.hang_up(ticket);
  settle();
  advance(patience->link_again - 1ms);
  EXPECT_TRUE(cluster.follows.empty()) << "it may have just paused";
  advance(1ms);
  ASSERT_EQ(cluster.follows.size(), 1u);
  cluster.feed(ticket, lines(1, 4));
  settle();
  EXPECT_EQ(output(), numbered(1, 4));
}

TEST_F(LinkTest, ThatIsGoneAtTheEndLeavesItsLinesInTheWorkspace_RST04) {
  link();
  cluster.run(ticket);
  send(lines(1, 2));
  links.hang_up(ticket);
  settle();
  store.kept[ticket.key()] = lines(1, 40) + end(41, 0);
  cluster.finish(ticket, 0);
  serve();
  auto x = status(ticket);
  EXPECT_EQ(x.state, process_state::complete);
  EXPECT_EQ(x.exit_code, 0);
  EXPECT_EQ(texts(x, output_source::out), numbered(1, 40));
  EXPECT_TRUE(cluster.follows.empty());
}

TEST_F(LinkTest, ThatLeftNoEndMarkerIsCompletedFromThePodsLog_LOG14) {
  link();
  cluster.run(ticket);
  send(lines(1, 2));
  links.hang_up(ticket);
  settle();
  // The last line was cut when the node went down.
  store.kept[ticket.key()] = lines(2, 5) + line(6).substr(0, 50);
  for (int i = 1; i <= 8; ++i)
    cluster.write(ticket, "line " + std::to_string(i));
  cluster.write_end(ticket, 4);
  cluster.finish(ticket, 4);
  serve();
  auto x = status(ticket);
  EXPECT_EQ(x.state, process_state::complete);
  EXPECT_EQ(x.exit_code, 4);
  EXPECT_EQ(texts(x, output_source::out), numbered(1, 8));
  EXPECT_TRUE(texts(x, output_source::err).empty());
  EXPECT_EQ(cluster.follows.size(), 1u);
}

TEST_F(LinkTest, WhoseLeftLinesCanNotBeReadIsCompletedFromThePodsLog) {
  link();
  cluster.run(ticket);
  send(lines(1, 2));
  links.hang_up(ticket);
  settle();
  store.kept_failure = {errc::io_error, "the volume is gone"};
  cluster.write_lines(ticket, 3);
  cluster.write_end(ticket, 0);
  cluster.finish(ticket, 0);
  serve();
  auto x = status(ticket);
  EXPECT_EQ(x.state, process_state::complete);
  EXPECT_EQ(texts(x, output_source::out), numbered(1, 3));
}

TEST_F(LinkTest, FillsTheGapOfARotatedLogFromTheWorkspace_LOG13) {
  begin();
  cluster.run(ticket);
  settle();
  advance(patience->link);
  cluster.feed(ticket, lines(1, 2));
  settle();
  store.kept[ticket.key()] = lines(1, 60) + end(61, 0);
  cluster.finish(ticket, 0);
  cluster.feed(ticket, lines(50, 60) + end(61, 0));
  serve();
  auto x = status(ticket);
  EXPECT_EQ(texts(x, output_source::out), numbered(1, 60));
  EXPECT_TRUE(texts(x, output_source::err).empty());
  EXPECT_EQ(x.state, process_state::complete);
}

TEST_F(LinkTest, ThatSkipsLinesIsRefusedAndThePodsLogIsRead) {
  link();
  cluster.run(ticket);
  send(line(1) + line(3));
  EXPECT_FALSE(links.expects(ticket));
  ASSERT_EQ(cluster.follows.size(), 1u);
  cluster.feed(ticket, lines(1, 3));
  settle();
  EXPECT_EQ(output(), numbered(1, 3));
}

TEST_F(LinkTest, ThatDoesNotHoldTheNextLineWaitsForThePodsLog) {
  begin();
  cluster.run(ticket);
  session = links.dial(ticket, 4);
  settle();
  EXPECT_TRUE(links.resumed.empty());
  ASSERT_EQ(cluster.follows.size(), 1u) << "at once";
  cluster.feed(ticket, lines(1, 2));
  settle();
  EXPECT_TRUE(links.resumed.empty());
  cluster.feed(ticket, lines(3, 4));
  settle();
  ASSERT_EQ(links.resumed.size(), 1u);
  EXPECT_EQ(links.resumed[0].second, 4);
  send(line(5));
  EXPECT_EQ(output(), numbered(1, 5));
}

TEST_F(LinkTest, IsHeldBackWhileTheServerDoesNotAsk_LOG21) {
  settings->log_buffer_bytes = 1'000;
  link();
  std::string text(300, 'x');
  auto sent = 0;
  auto send_what_fits = [&] {
    while (sent < 10 && (links.pauses == 0 || links.room[session]))
      send(frame(++sent, text));
  };
  send_what_fits();
  EXPECT_FALSE(links.room[session]);
  EXPECT_GT(links.pauses, 0u);
  EXPECT_LT(context->log_memory->used(), 1'600u);
  std::size_t seen = 0;
  auto asked = 0;
  for (std::int64_t cursor = 0; cursor < 10 && asked < 30; ++asked) {
    auto x = status(ticket, cursor);
    seen += texts(x, output_source::out).size();
    cursor = x.next_sequence;
    settle();
    send_what_fits();
  }
  EXPECT_EQ(seen, 10u);
  status(ticket, 10);
  settle();
  EXPECT_TRUE(links.room[session]);
}

TEST_F(LinkTest,
       OfARestartedWorkerIsToldOfAndGoesOnAfterTheServersCursor_RST01) {
  link();
  cluster.run(ticket);
  send(lines(1, 6));
  status(ticket, 4);
  settle();
  restart();
  EXPECT_EQ(store.announced, std::vector{ticket.task_id});
  // What the server had confirmed the runner does not hold any more.
  session = links.dial(ticket, 5);
  ASSERT_NE(session, 0u);
  settle();
  EXPECT_EQ(links.resumed.size(), 1u) << "before the server has asked";
  status(ticket, 4);
  settle();
  ASSERT_EQ(links.resumed.size(), 2u);
  EXPECT_EQ(links.resumed[1].second, 4);
  send(lines(5, 7));
  EXPECT_EQ(output(4), numbered(5, 7));
  EXPECT_TRUE(cluster.follows.empty());
}

TEST_F(LinkTest, IsReadAnewForACursorBeforeWhatIsKept_RPC01) {
  settings->log_buffer_bytes = 100;
  link();
  cluster.run(ticket);
  send(lines(1, 30));
  for (std::int64_t cursor = 0; cursor < 30;) {
    cursor = status(ticket, cursor).next_sequence;
    settle();
  }
  cluster.write_lines(ticket, 30);
  status(ticket, 30);
  settle();
  EXPECT_EQ(links.acknowledged[session], 30);
  started(ticket);
  status(ticket, 0);
  settle();
  EXPECT_EQ(links.cut, std::vector{session}) << "what was sent comes not again";
  session = links.dial(ticket, 31);
  settle();
  serve();
  std::vector<std::string> all;
  for (std::int64_t cursor = 0; cursor < 30;) {
    auto x = status(ticket, cursor);
    for (auto& text : texts(x, output_source::out))
      all.push_back(text);
    cursor = x.next_sequence;
    serve();
  }
  EXPECT_EQ(all, numbered(1, 30));
  send(line(31));
  EXPECT_EQ(output(30), numbered(31, 31));
}

TEST_F(LinkTest, ThatLooksAliveLongAfterItsNodeIsGoneIsNotTrusted) {
  link();
  cluster.run(ticket);
  send(lines(1, 2));
  cluster.write_lines(ticket, 4);
  cluster.write_end(ticket, 3);
  cluster.finish(ticket, 3);
  serve();
  EXPECT_EQ(status(ticket).state, process_state::running);
  // What came before the container's end counts as progress once.
  advance(patience->log_end);
  advance(patience->log_end);
  serve();
  auto x = status(ticket);
  EXPECT_EQ(texts(x, output_source::out), numbered(1, 4));
  EXPECT_EQ(x.state, process_state::complete);
  EXPECT_EQ(x.exit_code, 3);
}

TEST_F(LinkTest, IsRefusedOnceTheScriptIsCompleted) {
  link();
  cluster.run(ticket);
  send(line(1) + end(2, 0));
  cluster.finish(ticket, 0);
  serve();
  status(ticket);
  auto done = complete(ticket);
  EXPECT_TRUE(done->done);
  settle();
  EXPECT_EQ(links.dial(ticket), 0u);
}

} // namespace

} // namespace cuttle::test
