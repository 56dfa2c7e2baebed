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

TEST(ReaderGap, AsksForARereadWhenNumbersDoNotRiseByOne_LOG11) {
  struct row {
    std::int64_t delivered;
    list numbers;
  };
  for (const auto& row : {row{50, {100}}, row{4, {5, 4}}, row{2, {3, 5, 4}}}) {
    reader uut{vector_key(), row.delivered};
    auto result = advice::more;
    for (auto number : row.numbers)
      result = uut.feed(log_lines(number, number));
    EXPECT_EQ(result, advice::reread);
    EXPECT_EQ(uut.finish(), advice::reread);
  }
}

TEST(ReaderGap, IgnoresTheStreamUntilItIsReadAgain_LOG13) {
  reader uut{vector_key(), 0};
  EXPECT_EQ(uut.feed(log_lines(1, 3) + log_lines(7, 9)), advice::reread);
  EXPECT_EQ(uut.feed(log_lines(10, 12)), advice::reread);
  EXPECT_EQ(numbers(uut.take()), (list{1, 2, 3}));
  uut.restart(true);
  EXPECT_EQ(uut.feed(log_lines(1, 12)), advice::more);
  auto batch = uut.take();
  EXPECT_EQ(numbers(batch), (list{4, 5, 6, 7, 8, 9, 10, 11, 12}));
  EXPECT_TRUE(batch.remarks.empty());
}

TEST(ReaderGap, AcceptsAGapThatIsStillThereWithOneRemark_LOG13) {
  reader uut{vector_key(), 0};
  EXPECT_EQ(uut.feed(log_lines(1, 3) + log_lines(7, 9)), advice::reread);
  uut.take();
  uut.restart(true);
  EXPECT_EQ(uut.feed(log_lines(7, 12)), advice::more);
  auto batch = uut.take();
  EXPECT_EQ(numbers(batch), (list{7, 8, 9, 10, 11, 12}));
  ASSERT_EQ(batch.remarks.size(), 1u);
  EXPECT_EQ(batch.remarks[0].text,
            "3 lines of output (4 to 6) were lost: the kubelet rotated the "
            "pod's log before they were read.");
  EXPECT_EQ(batch.remarks[0].source, output_source::err);
}

TEST(ReaderGap, SaysItForOneLine) {
  reader uut{vector_key(), 3};
  uut.restart(true);
  uut.feed(log_lines(5, 5));
  EXPECT_EQ(uut.take().remarks.at(0).text,
            "1 line of output (4) was lost: the kubelet rotated the pod's log "
            "before it was read.");
}

TEST(ReaderGap, AsksAgainForALaterGap) {
  reader uut{vector_key(), 0};
  uut.restart(true);
  EXPECT_EQ(uut.feed(log_lines(1, 2000)), advice::more);
  EXPECT_EQ(uut.feed(log_lines(3001, 3002)), advice::reread);
  uut.restart(true);
  EXPECT_EQ(uut.feed(log_lines(2500, 3002)), advice::more);
  EXPECT_EQ(uut.last_number(), 3002);
  auto batch = uut.take();
  EXPECT_EQ(batch.lines.size(), 2000u + 503u);
  ASSERT_EQ(batch.remarks.size(), 1u);
  EXPECT_EQ(batch.remarks[0].text.substr(0, 46),
            "499 lines of output (2001 to 2499) were lost: ");
}

TEST(ReaderGap, AccountsForALogFullOfHolesInOneReread) {
  std::string log;
  for (auto i = 1; i < 200; i += 2)
    log += log_lines(i, i);
  reader uut{vector_key(), 0};
  EXPECT_EQ(uut.feed(log), advice::reread);
  uut.restart(true);
  EXPECT_EQ(uut.feed(log), advice::more);
  auto batch = uut.take();
  EXPECT_EQ(batch.lines.size(), 100u);
  EXPECT_EQ(batch.remarks.size(), 99u);
}

TEST(ReaderGap, TakesADamagedLineForNoLoss_LOG08) {
  auto damaged = log_line(3, "x");
  damaged[damaged.size() - 2] ^= 1;
  reader uut{vector_key(), 0};
  EXPECT_EQ(uut.feed(log_lines(1, 2) + damaged + log_lines(4, 5)),
            advice::more);
  auto batch = uut.take();
  EXPECT_EQ(numbers(batch), (list{1, 2, 4, 5}));
  ASSERT_EQ(batch.remarks.size(), 1u);
  EXPECT_EQ(batch.remarks[0].text.substr(0, 34),
            "Pod log line can not be decrypted:");
}

TEST(ReaderGap, DoesNotTakeAForeignLineForALostOne) {
  reader uut{vector_key(), 0};
  EXPECT_EQ(uut.feed(log_lines(1, 2) + "noise\n" + log_lines(4, 5)),
            advice::reread);
}

TEST(ReaderGap, NeverDeliversALineTwiceWhenALogRunsBackwards) {
  reader uut{vector_key(), 0};
  uut.restart(true);
  uut.feed(log_lines(1, 5) + log_lines(1, 6));
  EXPECT_EQ(numbers(uut.take()), (list{1, 2, 3, 4, 5, 6}));
}
