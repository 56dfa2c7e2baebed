#include <gtest/gtest.h>

#include "actors/clean_up.hpp"
#include "actors/tombstones.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;

const timestamp now{std::chrono::hours{24 * 365 * 56}};

operation_summary ended(const std::string& ticket, pod_phase phase,
                        std::chrono::seconds ago) {
  operation_summary result;
  result.ticket.task_id = ticket;
  result.phase = phase;
  result.created_at = now - ago - 1min;
  result.finished_at = now - ago;
  return result;
}

operation_summary pending(const std::string& ticket,
                          std::optional<timestamp> created_at) {
  operation_summary result;
  result.ticket.task_id = ticket;
  result.created_at = created_at;
  return result;
}

std::size_t orphans(const operation_summary& x, std::chrono::minutes age) {
  return find_orphans({x}, now, age).size();
}

TEST(FindOrphans, TakesWhatEndedTenMinutesAgo_ORP02_SVC50) {
  EXPECT_EQ(orphans(ended("a", pod_phase::succeeded, 10min), 10min), 1u);
  EXPECT_EQ(orphans(ended("a", pod_phase::succeeded, 2h), 10min), 1u);
}

TEST(FindOrphans, KeepsWhatEndedNineMinutesAgo_ORP02_SVC50) {
  EXPECT_EQ(orphans(ended("a", pod_phase::succeeded, 9min), 10min), 0u);
  EXPECT_EQ(orphans(ended("a", pod_phase::succeeded, 599s), 10min), 0u);
}

TEST(FindOrphans, KeepsWhatRunsWhateverItsAge_ORP02_SVC50) {
  EXPECT_EQ(orphans(ended("a", pod_phase::running, 24h), 10min), 0u);
  EXPECT_EQ(orphans(pending("a", now - 24h), 10min), 0u);
}

TEST(FindOrphans, TakesFailedOnesLikeTheOthers_ORP02) {
  EXPECT_EQ(orphans(ended("a", pod_phase::failed, 10min), 10min), 1u);
  EXPECT_EQ(orphans(ended("a", pod_phase::failed, 9min), 10min), 0u);
}

TEST(FindOrphans, FollowsTheLimitOfTwoMinutes_ORP02) {
  EXPECT_EQ(orphans(ended("a", pod_phase::succeeded, 1min), 2min), 0u);
  EXPECT_EQ(orphans(ended("a", pod_phase::succeeded, 3min), 2min), 1u);
}

TEST(FindOrphans, NeedsATimeOfTheEnd_ORP01) {
  auto x = ended("a", pod_phase::succeeded, 3h);
  x.finished_at.reset();
  EXPECT_EQ(orphans(x, 10min), 0u);
}

TEST(FindStuck, TakesWhatIsPendingForLongerThanTheLimit_PND01) {
  auto found = find_stuck({pending("a", now - 61min), pending("b", now - 60min),
                           pending("c", now - 59min)},
                          now, 60min);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].task_id, "a");
}

TEST(FindStuck, TakesOnlyPendingOnes_PND01) {
  EXPECT_TRUE(find_stuck({ended("a", pod_phase::running, 24h),
                          ended("b", pod_phase::failed, 24h)},
                         now, 60min)
                .empty());
}

TEST(FindStuck, NeverTakesAPodWithoutCreationTime_PND03) {
  EXPECT_TRUE(find_stuck({pending("a", std::nullopt)}, now, 0min).empty());
}

TEST(FindStale, TakesOldWorkspacesOfNoOperation_WS09) {
  std::vector<workspace_entry> workspaces{
    {{"Old"}, now - 25h}, {{"Young"}, now - 23h}, {{"Used"}, now - 48h}};
  auto found
    = find_stale(workspaces, {pending("USED", std::nullopt)}, now, 24h);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].task_id, "Old");
}

TEST(Tombstones, RememberATicketInAnyCaseUntilItsTime) {
  tombstones dead;
  dead.add({"Ticket-1"}, {7, {}, now + 60min});
  ASSERT_NE(dead.find({"TICKET-1"}, now), nullptr);
  EXPECT_EQ(dead.find({"ticket-1"}, now)->exit_code, 7);
  EXPECT_NE(dead.find({"ticket-1"}, now + 59min), nullptr);
  EXPECT_EQ(dead.find({"ticket-1"}, now + 60min), nullptr);
  EXPECT_EQ(dead.find({"ticket-2"}, now), nullptr);
}

TEST(Tombstones, TheLastWordOnATicketCounts) {
  tombstones dead;
  dead.add({"a"}, {1, {}, now + 1min});
  dead.add({"A"}, {2, {}, now + 9min});
  EXPECT_EQ(dead.find({"a"}, now + 5min)->exit_code, 2);
  dead.erase({"a"});
  EXPECT_EQ(dead.find({"a"}, now), nullptr);
}

TEST(Tombstones, ForgetTheOldestBeyondTheirNumber) {
  tombstones dead;
  for (std::size_t i = 0; i <= tombstones::most; ++i)
    dead.add({"t" + std::to_string(i)}, {0, {}, now + 1h});
  EXPECT_EQ(dead.find({"t0"}, now), nullptr);
  EXPECT_NE(dead.find({"t1"}, now), nullptr);
  EXPECT_NE(dead.find({"t" + std::to_string(tombstones::most)}, now), nullptr);
}

} // namespace

} // namespace cuttle::test
