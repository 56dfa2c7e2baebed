#include "infra/sim/script_drive.hpp"

#include <gtest/gtest.h>

#include "tests/unit/sim_octopus/drive_harness.hpp"

namespace cuttle::sim {

namespace {

using namespace std::chrono_literals;
using words = std::vector<std::string>;

const auto pending = process_state::pending;
const auto running = process_state::running;
const auto complete = process_state::complete;

} // namespace

TEST(PollDelay, FollowsTheTableOfThePollingTentacle_RPC15) {
  drive_settings settings;
  std::vector<int> expected{420,  588,  823,  1152, 1613,
                            2259, 3162, 4427, 5000, 5000};
  for (unsigned n = 1; n <= expected.size(); ++n)
    EXPECT_EQ(poll_delay(settings, n).count(), expected[n - 1]) << n;
  EXPECT_EQ(poll_delay(settings, 4'000'000'000u), 5s);
}

TEST(PollDelay, FollowsTheTableOfTheDefault) {
  drive_settings settings;
  settings.poll_base = 1.15;
  std::vector<int> expected{345,  397,  456,  525,  603,  694,  798,
                            918,  1055, 1214, 1396, 1605, 1846, 2123,
                            2441, 2807, 3228, 3713, 4270, 4910, 5000};
  for (unsigned n = 1; n <= expected.size(); ++n)
    EXPECT_EQ(poll_delay(settings, n).count(), expected[n - 1]) << n;
}

TEST(ScriptDrive, RunsAScriptFromCapabilitiesToComplete) {
  drive_harness h;
  h.begin(false);
  EXPECT_EQ(h.take(), words{"call capabilities"});
  h.capabilities({"IFileTransferService", "IKubernetesScriptServiceV1"});
  EXPECT_EQ(h.take(), words{"call start"});
  h.now += 20ms;
  h.answer(pending, 0, {"Creating pod."});
  EXPECT_EQ(h.take(), (words{"report 1", "call status 0"}));
  h.answer(pending);
  EXPECT_EQ(h.take(), (words{"report 0", "timer 420"}));
  h.wake();
  EXPECT_EQ(h.take(), words{"call status 0"});
  h.answer(running, 2, {"one", "two"});
  EXPECT_EQ(h.take(), (words{"report 2", "timer 588"}));
  h.wake();
  EXPECT_EQ(h.take(), words{"call status 2"});
  h.answer(complete, 3, {"three"}, 7);
  EXPECT_EQ(h.take(), (words{"report 1", "call complete"}));
  EXPECT_FALSE(h.drive.over());
  h.completed();
  EXPECT_EQ(h.take(), words{"finish"});
  EXPECT_TRUE(h.drive.over());
  auto& result = h.drive.result();
  EXPECT_EQ(result.state, complete);
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(result.trouble.code, errc::none);
  EXPECT_FALSE(result.cancelled);
  EXPECT_EQ(result.line_count, 4u);
  ASSERT_EQ(result.lines.size(), 4u);
  EXPECT_EQ(result.lines[3].text, "three");
  EXPECT_EQ(result.start_calls, 1u);
  EXPECT_EQ(result.status_calls, 3u);
  EXPECT_EQ(result.cancel_calls, 0u);
  EXPECT_EQ(result.complete_calls, 1u);
  EXPECT_EQ(result.started - result.queued, 20ms);
  EXPECT_EQ(result.first_script_line - result.queued, 440ms);
  EXPECT_EQ(result.ended - result.queued, 1'028ms);
}

TEST(ScriptDrive, SkipsStatusIfTheStartIsCompleteAlready) {
  drive_harness h;
  h.begin();
  h.answer(complete, 0, {}, 3);
  EXPECT_EQ(h.take(), (words{"call start", "report 0", "call complete"}));
  h.completed();
  EXPECT_EQ(h.drive.result().exit_code, 3);
}

TEST(ScriptDrive, UsesTheTicketAsTheWorkerSpeltIt) {
  script_drive drive{{"AbC"}, {}};
  auto steps = drive.begin({});
  steps = drive.on_capabilities(std::get<drive_action::call>(steps[0]).id,
                                {"IKubernetesScriptServiceV1"}, {});
  script_status status;
  status.ticket = {"abc"};
  steps
    = drive.on_status(std::get<drive_action::call>(steps[0]).id, status, {});
  EXPECT_EQ(std::get<drive_action::call>(steps[1]).ticket.task_id, "abc");
}

TEST(ScriptDrive, RefusesAWorkerWithoutTheKubernetesService) {
  drive_harness h;
  h.begin(false);
  h.capabilities({"IScriptService", "IFileTransferService"});
  EXPECT_EQ(h.take(), (words{"call capabilities", "finish"}));
  EXPECT_EQ(h.drive.result().trouble.code, errc::invalid_request);
  EXPECT_NE(h.drive.result().trouble.text.find("IScriptService"),
            std::string::npos);
  EXPECT_TRUE(h.drive.over());
}

TEST(ScriptDrive, SendsALostStartAgain) {
  drive_harness h;
  h.begin();
  h.fails();
  EXPECT_EQ(h.take(), (words{"call start", "timer 1000"}));
  h.wake();
  EXPECT_EQ(h.take(), (words{"call start", "timer 148000"}));
  h.answer(running, 4, {"a"});
  EXPECT_EQ(h.take(), (words{"report 1", "call status 4"}));
  EXPECT_EQ(h.drive.result().start_calls, 2u);
}

TEST(ScriptDrive, SendsALostStatusAgainWithTheSameCursor) {
  drive_harness h;
  h.start();
  h.answer(running, 20, {"x"});
  h.wake();
  h.take();
  h.fails();
  EXPECT_EQ(h.take(), words{"timer 1000"});
  h.wake();
  EXPECT_EQ(h.take(), (words{"call status 20", "timer 148000"}));
  h.fails(errc::deadline_exceeded);
  EXPECT_EQ(h.take(), words{"timer 2000"});
  h.wake();
  EXPECT_EQ(h.take(), (words{"call status 20", "timer 145000"}));
  h.answer(running, 33, {"y"});
  EXPECT_EQ(h.take(), (words{"report 1", "timer 588"}));
}

TEST(ScriptDrive, FailsAtOnceIfTheStartWasRefused) {
  drive_harness h;
  h.begin();
  h.fails(errc::invalid_request);
  EXPECT_EQ(h.take(), (words{"call start", "finish"}));
  EXPECT_EQ(h.drive.result().trouble.text, "It failed.");
  EXPECT_EQ(h.drive.result().cancel_calls, 0u);
  EXPECT_EQ(h.drive.result().complete_calls, 0u);
}

TEST(ScriptDrive, GivesUpAStartWithoutCancelAndComplete) {
  drive_harness h;
  h.begin();
  h.now += 120s;
  h.fails(errc::deadline_exceeded);
  h.wake();
  EXPECT_EQ(h.take(),
            (words{"call start", "timer 1000", "call start", "timer 28000"}));
  h.wake();
  EXPECT_EQ(h.take(), (words{"abandon", "finish"}));
  EXPECT_EQ(h.drive.result().trouble.code, errc::deadline_exceeded);
  EXPECT_TRUE(h.drive.over());
}

TEST(ScriptDrive, DoesNotRetryAfterTheRetryDuration) {
  drive_harness h;
  h.start();
  h.now += 300s;
  h.fails(errc::deadline_exceeded);
  EXPECT_EQ(h.take(), words{"timer 1000"});
  h.wake();
  EXPECT_EQ(h.take(), (words{"call cancel 0", "finish"}));
  EXPECT_EQ(h.drive.result().status_calls, 1u);
}

TEST(ScriptDrive, SendsACancelBehindAStatusThatFailedForGood) {
  drive_harness h;
  h.start();
  h.answer(running, 5, {"x"});
  h.wake();
  h.take();
  h.fails(errc::invalid_request);
  EXPECT_EQ(h.take(), (words{"call cancel 5", "finish"}));
  auto& result = h.drive.result();
  EXPECT_EQ(result.trouble.code, errc::invalid_request);
  EXPECT_FALSE(result.cancelled);
  EXPECT_EQ(result.complete_calls, 0u);
  EXPECT_FALSE(h.drive.over());
  h.fails();
  EXPECT_EQ(h.take(), words{"timer 1000"});
  h.wake();
  EXPECT_EQ(h.take(), (words{"call cancel 5", "timer 148000"}));
  h.answer(complete, 5, {}, exit_cancelled);
  EXPECT_EQ(h.take(), words{});
  EXPECT_TRUE(h.drive.over());
  EXPECT_EQ(result.state, running);
}

TEST(ScriptDrive, TakesTheAnswerForAnUnknownTicketAsTheEnd) {
  drive_harness h;
  h.start();
  h.answer(complete, 0, {"The script pod was not found."}, exit_pod_not_found);
  EXPECT_EQ(h.take(), (words{"report 1", "call complete"}));
  h.completed();
  EXPECT_EQ(h.drive.result().exit_code, exit_pod_not_found);
  EXPECT_EQ(h.drive.result().trouble.code, errc::none);
}

TEST(ScriptDrive, SendsCompleteOnceAndKeepsTheResultIfItFails) {
  drive_harness h;
  h.start();
  h.answer(complete, 1, {"x"});
  h.take();
  h.fails();
  EXPECT_EQ(h.take(), words{"finish"});
  EXPECT_TRUE(h.drive.over());
  EXPECT_EQ(h.drive.result().complete_calls, 1u);
  EXPECT_EQ(h.drive.result().trouble.code, errc::none);
}

TEST(ScriptDrive, IgnoresWhatIsLate) {
  drive_harness h;
  h.begin();
  auto old_call = h.call;
  h.fails();
  auto old_timer = h.timer;
  h.wake();
  h.take();
  EXPECT_TRUE(h.drive.on_status(old_call, {}, h.now).empty());
  EXPECT_TRUE(h.drive.on_failure(old_call, {}, h.now).empty());
  EXPECT_TRUE(h.drive.on_completed(old_call, h.now).empty());
  EXPECT_TRUE(h.drive.on_timer(old_timer, h.now).empty());
  EXPECT_TRUE(h.drive.on_timer(0, h.now).empty());
  h.answer(pending);
  EXPECT_EQ(h.take(), (words{"report 0", "call status 0"}));
  // The time limit of the attempt that succeeded.
  EXPECT_TRUE(h.drive.on_timer(h.timer, h.now).empty());
}

TEST(ScriptDrive, KeepsABoundedPartOfTheLines) {
  drive_settings settings;
  settings.keep_bytes = 10;
  drive_harness h{settings};
  h.start();
  h.answer(running, 3, {"12345", "67890", "x"});
  EXPECT_EQ(h.take(), (words{"report 3", "timer 420"}));
  EXPECT_EQ(h.drive.result().lines.size(), 2u);
  EXPECT_EQ(h.drive.result().line_count, 3u);
}

TEST(ScriptDrive, EndsAtOnceWhenTheServerStops) {
  drive_harness h;
  h.start();
  auto steps = h.drive.abort({errc::shutting_down, "Stopped."}, h.now);
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<drive_action::abandon>(steps[0]));
  EXPECT_TRUE(std::holds_alternative<drive_action::finish>(steps[1]));
  EXPECT_TRUE(h.drive.over());
  EXPECT_EQ(h.drive.result().trouble.code, errc::shutting_down);
  EXPECT_TRUE(h.drive.abort({errc::shutting_down, "Again."}, h.now).empty());
}

} // namespace cuttle::sim
