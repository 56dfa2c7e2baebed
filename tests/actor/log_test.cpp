// The way of a script's output: in order, once, within bounds, to its end.

#include "actor_fixture.hpp"
#include "infra/podlog/frame.hpp"

namespace cuttle::test {

namespace {

const script_ticket ticket{"Ticket-1"};
constexpr auto stamp = "2026-01-01T10:00:00Z ";

class LogTest : public intake_fixture {
protected:
  void begin() {
    load();
    started(ticket);
    cluster.run(ticket);
    serve();
    status(ticket);
  }

  // What the script printed after the cursor, as a server gets it.
  std::vector<std::string> read_from(std::int64_t cursor) {
    std::vector<std::string> result;
    for (auto idle = 0; idle < 3;) {
      auto x = status(ticket, cursor);
      for (auto& text : texts(x, output_source::out))
        result.push_back(text);
      idle = x.next_sequence == cursor ? idle + 1 : 0;
      cursor = x.next_sequence;
      serve();
    }
    return result;
  }

  static std::string frame(std::int64_t number, const std::string& text,
                           output_source source = output_source::out) {
    std::string result = stamp;
    podlog::append_frame(result, sample_key(), number, source, text);
    return result;
  }

  static std::string line(std::int64_t number) {
    return frame(number, "line " + std::to_string(number));
  }
};

TEST_F(LogTest,
       PausesTheStreamWhenTheWindowIsFullAndResumesWithTheCursor_LOG21) {
  settings->log_buffer_bytes = 10'000;
  cluster.pieces = 1;
  begin();
  std::string text(1'000, 'x');
  for (int i = 0; i < 40; ++i)
    cluster.write(ticket, text);
  serve();
  EXPECT_GT(cluster.pauses, 0u);
  ASSERT_NE(cluster.log_of(ticket), nullptr);
  EXPECT_TRUE(cluster.log_of(ticket)->paused);
  EXPECT_LT(context->log_memory->used(), 16'000u);
  std::int64_t cursor = 0;
  std::size_t lines = 0;
  for (int i = 0; i < 40 && cursor < 40; ++i) {
    auto x = status(ticket, cursor);
    cursor = x.next_sequence;
    lines += texts(x, output_source::out).size();
    serve();
    EXPECT_LT(context->log_memory->used(), 16'000u);
  }
  EXPECT_EQ(lines, 40u);
  EXPECT_EQ(cursor, 40);
  EXPECT_GT(cluster.resumes, 0u);
}

TEST_F(LogTest, ASilentServerHoldsTheStreamForEverWithoutAFailure) {
  settings->log_buffer_bytes = 10'000;
  cluster.pieces = 1;
  begin();
  std::string text(1'000, 'x');
  for (int i = 0; i < 40; ++i)
    cluster.write(ticket, text);
  cluster.finish(ticket, 0);
  serve();
  for (int i = 0; i < 20; ++i)
    advance(patience->log_end);
  std::int64_t cursor = 0;
  std::size_t lines = 0;
  script_status x;
  for (int i = 0; i < 60 && x.state != process_state::complete; ++i) {
    x = status(ticket, cursor);
    cursor = x.next_sequence;
    lines += texts(x, output_source::out).size();
    EXPECT_TRUE(texts(x, output_source::err).empty());
    serve();
  }
  EXPECT_EQ(x.state, process_state::complete);
  EXPECT_EQ(lines, 40u);
}

TEST_F(LogTest, KeepsLessWhenAllOperationsTogetherHoldTooMuch_LOG21) {
  settings->log_total_bytes = 1;
  begin();
  cluster.write_lines(ticket, 8);
  serve();
  EXPECT_GT(context->log_memory->used(), 0u);
  status(ticket, 8);
  EXPECT_EQ(context->log_memory->used(), 0u)
    << "what is confirmed goes at once";
}

TEST_F(LogTest,
       PagesALargeOutputAndIsRunningUntilTheLastPage_RPC07_LOG21_SVC30) {
  settings->response_bytes = 50;
  begin();
  cluster.write_lines(ticket, 30);
  cluster.write_end(ticket, 4);
  cluster.finish(ticket, 4);
  serve();
  std::vector<std::string> all;
  std::int64_t cursor = 0;
  auto pages = 0;
  for (; pages < 20; ++pages) {
    auto x = status(ticket, cursor);
    for (auto& text : texts(x, output_source::out))
      all.push_back(text);
    EXPECT_LE(texts(x, output_source::out).size(), 8u);
    cursor = x.next_sequence;
    if (x.state == process_state::complete) {
      EXPECT_EQ(x.exit_code, 4);
      break;
    }
    EXPECT_EQ(x.state, process_state::running);
    EXPECT_EQ(x.exit_code, 0);
  }
  EXPECT_GT(pages, 3);
  EXPECT_LT(pages, 20);
  EXPECT_EQ(all, numbered(1, 30));
}

TEST_F(LogTest, TheSameCursorGivesTheSameLinesAndWhatCameSince_SVC24) {
  begin();
  cluster.write_lines(ticket, 10);
  serve();
  auto once = texts(status(ticket, 4), output_source::out);
  EXPECT_EQ(once, numbered(5, 10));
  EXPECT_EQ(texts(status(ticket, 4), output_source::out), once);
  cluster.write_lines(ticket, 3);
  serve();
  EXPECT_EQ(texts(status(ticket, 4), output_source::out), numbered(5, 13));
}

TEST_F(LogTest, ReadsAgainFromTheStartAfterAGap_LOG13) {
  begin();
  cluster.feed(ticket, line(1) + line(2) + line(5));
  settle();
  ASSERT_EQ(cluster.follows.size(), 2u);
  EXPECT_FALSE(cluster.follows[1].since) << "from its start";
  cluster.feed(ticket, line(1) + line(2) + line(3) + line(4) + line(5));
  settle();
  EXPECT_EQ(texts(status(ticket), output_source::out), numbered(1, 5));
}

TEST_F(LogTest, RemarksLinesThatAreGoneForGood_LOG13) {
  begin();
  cluster.feed(ticket, line(1) + line(4));
  settle();
  cluster.feed(ticket, line(4) + line(5));
  settle();
  auto x = status(ticket);
  EXPECT_EQ(texts(x, output_source::out),
            (std::vector<std::string>{"line 1", "line 4", "line 5"}));
  EXPECT_TRUE(says(x, output_source::err,
                   "2 lines of output (2 to 3) were "
                   "lost"));
}

TEST_F(LogTest, ReopensAStreamThatWasCutFromTheLastLine_LOG04) {
  begin();
  cluster.feed(ticket, line(1) + line(2));
  settle();
  cluster.end_log(ticket, {errc::unavailable, "connection reset"});
  settle();
  EXPECT_EQ(cluster.follows.size(), 1u);
  advance(100ms);
  ASSERT_EQ(cluster.follows.size(), 2u);
  ASSERT_TRUE(cluster.follows[1].since);
  EXPECT_EQ(*cluster.follows[1].since,
            podlog::parse_time("2026-01-01T10:00:00Z"));
  cluster.feed(ticket, line(1) + line(2) + line(3));
  settle();
  EXPECT_EQ(texts(status(ticket), output_source::out), numbered(1, 3));
}

TEST_F(LogTest, HalfALineOfACutStreamComesAgainWhole) {
  begin();
  auto third = line(3);
  cluster.feed(ticket, line(1) + line(2) + third.substr(0, 40));
  settle();
  cluster.end_log(ticket, {errc::unavailable, "connection reset"});
  settle();
  advance(100ms);
  cluster.feed(ticket, line(2) + third);
  settle();
  auto x = status(ticket);
  EXPECT_EQ(texts(x, output_source::out), numbered(1, 3));
  EXPECT_TRUE(texts(x, output_source::err).empty());
}

TEST_F(LogTest, WaitsLongerAfterEachFailureToOpen) {
  begin();
  auto pauses = {100ms, 250ms, 500ms, 1000ms, 2000ms, 5000ms, 5000ms};
  std::size_t opened = 1;
  for (auto pause : pauses) {
    cluster.end_log(ticket, {errc::unavailable, "no route"});
    settle();
    advance(pause - 1ms);
    EXPECT_EQ(cluster.follows.size(), opened);
    advance(1ms);
    EXPECT_EQ(cluster.follows.size(), ++opened);
  }
}

TEST_F(LogTest, ARotatedLogIsFollowedOn_LOG04) {
  begin();
  cluster.feed(ticket, line(1));
  settle();
  cluster.end_log(ticket, {});
  settle();
  advance(250ms);
  cluster.feed(ticket, line(2));
  settle();
  EXPECT_EQ(texts(status(ticket), output_source::out), numbered(1, 2));
  EXPECT_EQ(status(ticket).state, process_state::running);
}

TEST_F(LogTest, AnUnreachableLogDoesNotHoldTheCodeForEver_SVC58) {
  begin();
  cluster.feed(ticket, line(1));
  settle();
  cluster.at(ticket).log_failure = {errc::unavailable, "the node is down"};
  cluster.finish(ticket, 0);
  settle();
  for (auto waited = 0ms; waited < patience->log_end; waited += 500ms) {
    EXPECT_EQ(status(ticket).state, process_state::running);
    cluster.serve();
    settle();
    advance(500ms);
  }
  // Progress before the container's end counts once.
  for (auto waited = 0ms; waited < patience->log_end; waited += 500ms) {
    cluster.serve();
    settle();
    advance(500ms);
  }
  auto x = status(ticket);
  EXPECT_EQ(x.state, process_state::complete);
  EXPECT_EQ(x.exit_code, 0);
  EXPECT_TRUE(says(x, output_source::err,
                   "could not be read: the node is "
                   "down"));
}

TEST_F(LogTest, ALogThatNeverEndsDoesNotHoldTheCodeForEver) {
  begin();
  cluster.finish(ticket, 2);
  settle();
  advance(patience->log_end);
  auto x = status(ticket);
  EXPECT_EQ(x.state, process_state::complete);
  EXPECT_EQ(x.exit_code, 2);
  EXPECT_TRUE(says(x, output_source::err, "did not arrive in time"));
}

TEST_F(LogTest, ALogThatWentWithItsPodIsToldOfAtOnce) {
  begin();
  cluster.finish(ticket, 5);
  settle();
  cluster.end_log(ticket, {errc::not_found, "pod not found"});
  settle();
  auto x = status(ticket);
  EXPECT_EQ(x.state, process_state::complete);
  EXPECT_EQ(x.exit_code, 5);
  EXPECT_TRUE(says(x, output_source::err, "gone with its pod"));
}

TEST_F(LogTest, ReadsAnewForACursorBeforeWhatItKeeps_RPC01) {
  settings->log_buffer_bytes = 200;
  begin();
  cluster.write_lines(ticket, 20);
  serve();
  for (std::int64_t cursor = 0; cursor < 20;) {
    cursor = status(ticket, cursor).next_sequence;
    serve();
  }
  status(ticket, 20);
  EXPECT_LT(context->log_memory->used(), 140u) << "old lines are forgotten";
  started(ticket);
  std::vector<std::string> all;
  for (std::int64_t cursor = 0; all.size() < 20;) {
    serve();
    auto x = status(ticket, cursor);
    if (x.next_sequence == cursor && cursor > 0)
      break;
    for (auto& text : texts(x, output_source::out))
      all.push_back(text);
    cursor = x.next_sequence;
  }
  EXPECT_EQ(all, numbered(1, 20));
}

TEST_F(LogTest, ReadsAnewAfterTheEndToo_RPC01) {
  settings->log_buffer_bytes = 200;
  begin();
  cluster.write_lines(ticket, 40);
  cluster.write_end(ticket, 8);
  cluster.finish(ticket, 8);
  serve();
  auto read_all = [&] {
    std::vector<std::string> all;
    script_status x;
    for (int i = 0; i < 100 && x.state != process_state::complete; ++i) {
      x = status(ticket, x.next_sequence);
      for (auto& text : texts(x, output_source::out))
        all.push_back(text);
      serve();
    }
    EXPECT_EQ(x.state, process_state::complete);
    EXPECT_EQ(x.exit_code, 8);
    return all;
  };
  EXPECT_EQ(read_all(), numbered(1, 40));
  EXPECT_EQ(read_all(), numbered(1, 40)) << "from the start once more";
}

// The stream has ended but its rest waits for room when the server wants the
// lines from the start.
TEST_F(LogTest, ReadsAnewWhileTheRestOfTheLogWaitsForRoom_RPC01) {
  settings->log_buffer_bytes = 400;
  cluster.pieces = 1;
  begin();
  cluster.write_lines(ticket, 60);
  serve();
  ASSERT_EQ(read_from(0), numbered(1, 60));
  status(ticket, 60);
  settle();
  cluster.write_lines(ticket, 200);
  cluster.finish(ticket, 0);
  settle();
  // All of it and the end are there before the actor looks.
  cluster.pieces = 1'000;
  cluster.feed(ticket);
  cluster.end_log(ticket, {});
  settle();
  cluster.pieces = 1;
  EXPECT_EQ(read_from(0), numbered(1, 260));
  EXPECT_EQ(status(ticket, 260).state, process_state::complete);
}

// A batch that was under way when the log began anew belongs to the reading
// before.
TEST_F(LogTest, LinesOfAnEarlierReadingDoNotOvertakeTheNewOne_RPC01) {
  settings->log_buffer_bytes = 200;
  cluster.pieces = 1;
  begin();
  cluster.write_lines(ticket, 20);
  serve();
  for (int round = 0; round < 4; ++round) {
    auto count = 20 + round;
    ASSERT_EQ(read_from(0), numbered(1, count));
    status(ticket, count);
    ASSERT_LT(context->log_memory->used(), 140u) << "old lines are forgotten";
    settle();
    // New lines come in just after a StartScript that asks for all of them.
    auto again = start(ticket);
    cluster.write_lines(ticket, 1);
    cluster.feed(ticket);
    settle();
    EXPECT_TRUE(again->value);
    serve();
    EXPECT_EQ(read_from(0), numbered(1, count + 1));
  }
}

TEST_F(LogTest, ACursorBeyondTheEndGivesNoLineAndTheCode_SVC26) {
  begin();
  cluster.write_lines(ticket, 3);
  cluster.write_end(ticket, 0);
  cluster.finish(ticket, 0);
  serve();
  auto x = status(ticket, 1'000);
  EXPECT_EQ(x.state, process_state::complete);
  EXPECT_EQ(x.next_sequence, 1'000);
  EXPECT_TRUE(texts(x, output_source::out).empty());
}

TEST_F(LogTest, ANegativeCursorGivesAllLines) {
  begin();
  cluster.write_lines(ticket, 3);
  serve();
  status(ticket, -5);
  serve();
  auto x = status(ticket, -5);
  EXPECT_EQ(texts(x, output_source::out), numbered(1, 3));
  EXPECT_EQ(x.next_sequence, 3);
  EXPECT_TRUE(texts(x, output_source::err).empty());
}

TEST_F(LogTest, ADamagedLineIsAnErrorLineAndTheRestGoesOn_LOG08) {
  begin();
  cluster.feed(ticket, line(1) + stamp + "|e|2|stdout|00ff00ff\n" + line(3));
  settle();
  serve();
  auto x = status(ticket);
  EXPECT_FALSE(texts(x, output_source::err).empty());
  auto lines = texts(x, output_source::out);
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.back(), "line 3");
}

TEST_F(LogTest, BytesOfAStreamThatWasClosedAreIgnored) {
  begin();
  auto old = cluster.log_of(ticket)->callbacks;
  cluster.feed(ticket, line(1) + line(3));
  settle();
  ASSERT_EQ(cluster.follows.size(), 2u);
  old.on_data(line(7));
  old.on_end({errc::unavailable, "late"});
  settle();
  cluster.feed(ticket, line(1) + line(2) + line(3));
  settle();
  EXPECT_EQ(texts(status(ticket), output_source::out), numbered(1, 3));
}

TEST_F(LogTest, BytesThatComeAfterTheEndOfTheOperationEndTheStream) {
  begin();
  auto old = cluster.log_of(ticket)->callbacks;
  complete(ticket);
  old.on_data(line(1));
  old.on_end({});
  settle();
  EXPECT_TRUE(summary().operations.empty());
  EXPECT_EQ(cluster.log_of(ticket), nullptr) << "the stream is cancelled";
}

} // namespace

} // namespace cuttle::test
