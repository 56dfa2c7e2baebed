#include "infra/sim/rpc_retry.hpp"

#include <gtest/gtest.h>

namespace cuttle::sim {

namespace {

using namespace std::chrono_literals;

const failure broken{errc::unavailable, "The connection broke."};

} // namespace

TEST(RpcRetry, RetriesWhatMayHaveBeenTheNetwork) {
  for (auto code :
       {errc::unavailable, errc::deadline_exceeded, errc::overloaded,
        errc::protocol_error, errc::shutting_down, errc::io_error})
    EXPECT_TRUE(retryable({code, "x"})) << static_cast<int>(code);
  for (auto code : {errc::invalid_request, errc::not_found, errc::conflict,
                    errc::forbidden, errc::internal, errc::cancelled})
    EXPECT_FALSE(retryable({code, "x"})) << static_cast<int>(code);
}

TEST(RpcRetry, PausesASecondLongerEachTimeUpToTen) {
  rpc_retry retry{1h};
  retry.begin({});
  for (auto seconds : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10}) {
    auto pause = retry.failed(broken);
    ASSERT_TRUE(pause);
    EXPECT_EQ(*pause, std::chrono::seconds{seconds});
  }
}

TEST(RpcRetry, LimitsARetryToTheWholeSecondsThatAreLeft) {
  rpc_retry retry{150s};
  rpc_retry::clock::time_point start{};
  retry.begin(start);
  ASSERT_EQ(retry.failed(broken), 1'000ms);
  // 150 s - 121.4 s - 1 s = 27.6 s
  EXPECT_EQ(retry.woke(start + 121'400ms), 27s);
}

TEST(RpcRetry, EndsWithASecondOrLessLeft) {
  rpc_retry retry{150s};
  rpc_retry::clock::time_point start{};
  retry.begin(start);
  ASSERT_TRUE(retry.failed(broken));
  EXPECT_EQ(retry.woke(start + 147'999ms), 1s);
  EXPECT_FALSE(retry.woke(start + 148s));
  EXPECT_FALSE(retry.woke(start + 1h));
  EXPECT_EQ(retry.last_failure(), broken);
}

TEST(RpcRetry, BeginsAnewWithTheNextCall) {
  rpc_retry retry{150s};
  retry.begin({});
  retry.failed(broken);
  retry.failed(broken);
  retry.begin({});
  EXPECT_EQ(retry.last_failure().code, errc::none);
  EXPECT_EQ(retry.failed(broken), 1'000ms);
}

TEST(RpcRetry, DoesNotPauseForWhatNoRetryCures) {
  rpc_retry retry{150s};
  retry.begin({});
  failure wrong{errc::invalid_request, "The method failed."};
  EXPECT_FALSE(retry.failed(wrong));
  EXPECT_EQ(retry.last_failure(), wrong);
}

} // namespace cuttle::sim
