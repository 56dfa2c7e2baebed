#include <gtest/gtest.h>

#include "infra/podlog/reader.hpp"
#include "tests/unit/podlog/sample.hpp"

using namespace cuttle;
using namespace cuttle::podlog;
using test::log_line;
using test::log_lines;
using test::numbers;
using test::vector_key;
using advice = reader::advice;
using list = std::vector<std::int64_t>;

TEST(Reader, KeepsTheNumberWhenNothingWasRead_LOG11) {
  for (std::int64_t delivered : {0, 4, 12387126}) {
    reader uut{vector_key(), delivered};
    EXPECT_EQ(uut.feed(""), advice::more);
    EXPECT_EQ(uut.finish(), advice::more);
    EXPECT_EQ(uut.last_number(), delivered);
    EXPECT_TRUE(uut.take().lines.empty());
    EXPECT_FALSE(uut.last_time());
  }
}

TEST(Reader, GoesOnAfterTheLastLine_LOG11) {
  reader uut{vector_key(), 4};
  EXPECT_EQ(uut.feed(log_lines(5, 7)), advice::more);
  EXPECT_EQ(uut.last_number(), 7);
  EXPECT_EQ(numbers(uut.take()), (list{5, 6, 7}));
}

TEST(Reader, SkipsWhatWasDelivered_LOG11) {
  reader uut{vector_key(), 5};
  EXPECT_EQ(uut.feed(log_lines(5, 7)), advice::more);
  EXPECT_EQ(numbers(uut.take()), (list{6, 7}));
}

TEST(Reader, CutsLinesWhereverTheStreamIsCut) {
  auto log = log_lines(1, 3);
  for (std::size_t i = 0; i <= log.size(); ++i) {
    reader uut{vector_key(), 0};
    uut.feed(std::string_view{log}.substr(0, i));
    uut.feed(std::string_view{log}.substr(i));
    EXPECT_EQ(numbers(uut.take()), (list{1, 2, 3}));
  }
}

TEST(Reader, TakesAnUnterminatedLineAtTheEnd) {
  reader uut{vector_key(), 0};
  auto log = log_lines(1, 2);
  log.pop_back();
  uut.feed(log);
  EXPECT_EQ(uut.last_number(), 1);
  EXPECT_EQ(uut.finish(), advice::more);
  EXPECT_EQ(numbers(uut.take()), (list{1, 2}));
}

TEST(Reader, DropsAFrameThatABrokenConnectionCutOff) {
  auto log = log_lines(1, 2);
  auto first = log.find('\n') + 1;
  for (auto size = first; size < log.size() - 1; ++size) {
    reader uut{vector_key(), 0};
    uut.feed(std::string_view{log}.substr(0, size));
    EXPECT_EQ(uut.finish(), advice::more);
    auto batch = uut.take();
    EXPECT_EQ(numbers(batch), list{1});
    EXPECT_TRUE(batch.remarks.empty());
    uut.restart(false);
    uut.feed(log);
    EXPECT_EQ(numbers(uut.take()), list{2});
  }
}

TEST(Reader, CountsTheMemoryOfItsLines) {
  reader uut{vector_key(), 0};
  auto third = log_line(3, "9");
  uut.feed(log_line(1, "12345") + log_line(2, "") + third.substr(0, 30));
  auto batch = uut.take();
  ASSERT_EQ(batch.lines.size(), 2u);
  EXPECT_EQ(batch.bytes, memory_of(batch.lines[0]) + memory_of(batch.lines[1]));
  EXPECT_EQ(memory_of(batch.lines[0]), memory_of(batch.lines[1]) + 5);
  EXPECT_GT(memory_of(batch.lines[1]), sizeof(numbered_line));
  EXPECT_EQ(uut.partial_bytes(), 30u);
  EXPECT_EQ(uut.ready_bytes(), 0u);
  EXPECT_TRUE(uut.take().lines.empty());
}

TEST(Reader, RemembersTheTimeOfTheLastGoodLine_LOG04) {
  reader uut{vector_key(), 0};
  auto later = "2024-01-01T17:04:09.5Z";
  uut.feed(log_line(1, "a") + log_line(2, "b", output_source::out, later)
           + "2024-01-01T17:05:00Z no line\n");
  EXPECT_EQ(uut.last_time(), parse_time(later));
}

TEST(Reader, DeliversTheEndMarkerAndItsCode_LOG07) {
  reader uut{vector_key(), 0};
  uut.feed(log_line(1, "a"));
  EXPECT_FALSE(uut.end_marker());
  uut.feed(log_line(2, end_marker_text(-1), output_source::debug));
  EXPECT_EQ(uut.end_marker(), -1);
  auto batch = uut.take();
  EXPECT_EQ(batch.end_marker, -1);
  ASSERT_EQ(batch.lines.size(), 2u);
  EXPECT_EQ(batch.lines[1].line.source, output_source::debug);
  EXPECT_EQ(batch.lines[1].line.text, end_marker_text(-1));
  EXPECT_EQ(uut.take().end_marker, -1);
}

TEST(Reader, RemarksADamagedLineOnceAndGoesOn_LOG08) {
  reader uut{vector_key(), 0};
  auto log = log_lines(1, 2) + std::string{test::stamp} + " bash: not found\n"
             + log_lines(3, 4);
  EXPECT_EQ(uut.feed(log), advice::more);
  auto batch = uut.take();
  EXPECT_EQ(numbers(batch), (list{1, 2, 3, 4}));
  ASSERT_EQ(batch.remarks.size(), 1u);
  EXPECT_EQ(batch.remarks[0].source, output_source::err);
  EXPECT_EQ(batch.remarks[0].text,
            "Pod log line is not correctly pipe-delimited: '"
              + std::string{test::stamp} + " bash: not found'");
  EXPECT_EQ(batch.remarks[0].occurred, parse_time(test::stamp));
  uut.restart(false);
  uut.feed(log + log_lines(5, 5));
  batch = uut.take();
  EXPECT_EQ(numbers(batch), list{5});
  EXPECT_TRUE(batch.remarks.empty());
}

TEST(Reader, BoundsTheRemarksAboutDamagedLines) {
  reader uut{vector_key(), 0};
  for (auto i = 0; i < 3000; ++i)
    uut.feed("damaged " + std::to_string(i) + "\n");
  auto batch = uut.take();
  ASSERT_EQ(batch.remarks.size(), reader::max_damaged_lines + 1);
  EXPECT_EQ(batch.remarks.back().text,
            "More than 1000 lines of the pod's log are damaged; further ones "
            "are not shown.");
}

TEST(Reader, SaysThatTheRestIsGoneWhenTheKubeletDoes_LOG08) {
  reader uut{vector_key(), 0};
  uut.feed(log_lines(1, 1)
           + "unable to retrieve container logs for containerd://0123");
  EXPECT_EQ(uut.finish(), advice::more);
  auto batch = uut.take();
  EXPECT_EQ(numbers(batch), list{1});
  ASSERT_EQ(batch.remarks.size(), 1u);
  EXPECT_EQ(batch.remarks[0].text,
            "The rest of the pod's log is gone: the container was removed from "
            "its node before its log was read.");
}

TEST(Reader, ExplainsANodeWithoutInotifyInstances) {
  reader uut{vector_key(), 0};
  uut.feed("failed to create fsnotify watcher: too many open files");
  uut.finish();
  auto batch = uut.take();
  ASSERT_EQ(batch.remarks.size(), 1u);
  EXPECT_NE(batch.remarks[0].text.find("fs.inotify.max_user_instances"),
            std::string::npos);
}

TEST(Reader, SkipsALineThatIsTooLongWithARemark) {
  reader uut{vector_key(), 0, 1000};
  uut.feed(log_lines(1, 1));
  auto huge = log_line(2, std::string(5000, 'x'));
  for (std::size_t i = 0; i < huge.size(); i += 100)
    uut.feed(std::string_view{huge}.substr(i, 100));
  uut.feed(huge);
  auto batch = uut.take();
  EXPECT_EQ(numbers(batch), list{1});
  ASSERT_EQ(batch.remarks.size(), 1u);
  EXPECT_EQ(batch.remarks[0].text, "A line of the pod's log is longer than "
                                   "1000 bytes and was left out.");
}

TEST(Reader, TakesALongFrameWithTimeStampsInside_LOG09) {
  reader uut{vector_key(), 0};
  auto line = log_line(1, std::string(20'000, 'x'));
  auto head = test::stamp.size() + 1;
  for (auto at = head + 16'384; at < line.size(); at += 16'384 + head)
    line.insert(at, std::string{test::stamp} + " ");
  EXPECT_EQ(uut.feed(line), advice::more);
  auto batch = uut.take();
  ASSERT_EQ(batch.lines.size(), 1u);
  EXPECT_EQ(batch.lines[0].line.text, std::string(20'000, 'x'));
}
