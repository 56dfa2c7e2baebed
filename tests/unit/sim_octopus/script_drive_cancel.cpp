#include <gtest/gtest.h>

#include "tests/unit/sim_octopus/drive_harness.hpp"

namespace cuttle::sim {

namespace {

using words = std::vector<std::string>;

const auto pending = process_state::pending;
const auto running = process_state::running;
const auto complete = process_state::complete;

} // namespace

TEST(ScriptDriveCancel, WakesThePauseBetweenPolls) {
  drive_harness h;
  h.start();
  h.answer(running, 20, {"x"});
  h.take();
  h.cancel();
  EXPECT_EQ(h.take(), words{"call cancel 20"});
  h.answer(complete, 22, {"terminated", "Script execution canceled."},
           exit_cancelled);
  EXPECT_EQ(h.take(), (words{"report 2", "call complete", "timer 60000"}));
  h.completed();
  EXPECT_EQ(h.take(), words{"finish"});
  auto& result = h.drive.result();
  EXPECT_TRUE(result.cancelled);
  EXPECT_EQ(result.exit_code, exit_cancelled);
  EXPECT_EQ(result.trouble.code, errc::none);
  EXPECT_EQ(result.cancel_calls, 1u);
  EXPECT_EQ(result.complete_calls, 1u);
}

TEST(ScriptDriveCancel, RepeatsWithPausesFromTheFirstUntilComplete) {
  drive_harness h;
  h.start();
  h.answer(running);
  h.wake();
  h.answer(running);
  h.take();
  h.cancel();
  h.answer(running, 1, {"x"});
  EXPECT_EQ(h.take(), (words{"call cancel 0", "report 1", "timer 420"}));
  h.cancel();
  EXPECT_EQ(h.take(), words{});
  h.wake();
  h.answer(pending, 1);
  EXPECT_EQ(h.take(), (words{"call cancel 1", "report 0", "timer 588"}));
  h.wake();
  h.answer(complete, 1, {}, exit_cancelled);
  h.completed();
  EXPECT_EQ(h.drive.result().cancel_calls, 3u);
  EXPECT_TRUE(h.drive.over());
}

TEST(ScriptDriveCancel, GivesUpAStatusCallUnderWay) {
  drive_harness h;
  h.start();
  auto status = h.call;
  h.cancel();
  EXPECT_EQ(h.take(), (words{"abandon", "call cancel 0"}));
  EXPECT_TRUE(h.drive.on_status(status, {}, h.now).empty());
  EXPECT_TRUE(h.drive.on_failure(status, {}, h.now).empty());
}

TEST(ScriptDriveCancel, EndsTheRetriesOfAStatusCall) {
  drive_harness h;
  h.start();
  h.fails();
  h.take();
  h.cancel();
  EXPECT_EQ(h.take(), words{"call cancel 0"});
}

TEST(ScriptDriveCancel, SendsNothingDuringCapabilities) {
  drive_harness h;
  h.begin(false);
  h.cancel();
  EXPECT_EQ(h.take(), (words{"call capabilities", "abandon", "finish"}));
  EXPECT_TRUE(h.drive.result().cancelled);
  EXPECT_EQ(h.drive.result().trouble.code, errc::cancelled);
  EXPECT_EQ(h.drive.result().start_calls, 0u);
}

TEST(ScriptDriveCancel, SendsNothingForAStartThatNeverLeft) {
  drive_harness h;
  h.begin();
  h.cancel();
  EXPECT_EQ(h.take(), (words{"call start", "abandon"}));
  EXPECT_FALSE(h.drive.over());
  h.fails(errc::cancelled);
  EXPECT_EQ(h.take(), words{"finish"});
  EXPECT_TRUE(h.drive.over());
  EXPECT_EQ(h.drive.result().cancel_calls, 0u);
  EXPECT_EQ(h.drive.result().complete_calls, 0u);
}

TEST(ScriptDriveCancel, CancelsAStartThatMayHaveLeft) {
  drive_harness h;
  h.begin();
  h.cancel();
  h.take();
  h.fails(errc::unavailable);
  EXPECT_EQ(h.take(), words{"call cancel 0"});
  h.answer(complete, 0, {}, exit_pod_not_found);
  h.completed();
  EXPECT_EQ(h.drive.result().exit_code, exit_pod_not_found);
  EXPECT_EQ(h.drive.result().complete_calls, 1u);
}

TEST(ScriptDriveCancel, CancelsAStartWhoseAnswerCameAllTheSame) {
  drive_harness h;
  h.begin();
  h.cancel();
  h.take();
  h.answer(pending, 0, {"Creating pod."});
  EXPECT_EQ(h.take(), (words{"report 1", "call cancel 0"}));
}

TEST(ScriptDriveCancel, CancelsAStartThatIsRepeatedAfterAPossibleDelivery) {
  drive_harness h;
  h.begin();
  h.fails(errc::unavailable);
  h.take();
  h.cancel();
  EXPECT_EQ(h.take(), words{"call cancel 0"});
}

TEST(ScriptDriveCancel, CancelsARetriedStartEvenIfTheRetryNeverLeft) {
  drive_harness h;
  h.begin();
  h.fails(errc::unavailable);
  h.wake();
  h.take();
  h.cancel();
  h.fails(errc::cancelled);
  EXPECT_EQ(h.take(), (words{"abandon", "call cancel 0"}));
}

TEST(ScriptDriveCancel, RetriesTheCancelAndGivesUpWithItsError) {
  drive_harness h;
  h.start();
  h.answer(running);
  h.cancel();
  h.take();
  h.fails();
  EXPECT_EQ(h.take(), words{"timer 1000"});
  h.wake();
  EXPECT_EQ(h.take(), (words{"call cancel 0", "timer 148000"}));
  h.wake();
  EXPECT_EQ(h.take(), (words{"abandon", "finish"}));
  EXPECT_TRUE(h.drive.result().cancelled);
  EXPECT_EQ(h.drive.result().trouble.code, errc::unavailable);
  EXPECT_EQ(h.drive.result().complete_calls, 0u);
}

TEST(ScriptDriveCancel, AbandonsTheCleanUpAfterAMinute) {
  drive_harness h;
  h.start();
  h.answer(complete, 0, {}, 0);
  EXPECT_EQ(h.take(), (words{"report 0", "call complete"}));
  h.cancel();
  EXPECT_EQ(h.take(), words{"timer 60000"});
  h.wake();
  EXPECT_EQ(h.take(), (words{"abandon", "finish"}));
  EXPECT_TRUE(h.drive.result().cancelled);
  EXPECT_EQ(h.drive.result().state, complete);
  EXPECT_EQ(h.drive.result().exit_code, 0);
}

TEST(ScriptDriveCancel, ChangesNothingAfterTheEnd) {
  drive_harness h;
  h.cancel();
  EXPECT_EQ(h.take(), words{});
  h.start();
  h.answer(complete);
  h.completed();
  h.take();
  h.cancel();
  EXPECT_EQ(h.take(), words{});
  EXPECT_FALSE(h.drive.result().cancelled);
}

} // namespace cuttle::sim
