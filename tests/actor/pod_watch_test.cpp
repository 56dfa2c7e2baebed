// The watch: what it opens, and what it passes on to whom.

#include "actor_fixture.hpp"

namespace cuttle::test {

namespace {

using PodWatchTest = intake_fixture;

const script_ticket ticket{"Ticket-1"};

TEST_F(PodWatchTest, OpensBothWatchesAndAsksForTheVersion_MON01) {
  intake = spawn_task_intake(parent(), context, health);
  watch = spawn_pod_watch(parent(), context, intake, health);
  settle();
  EXPECT_EQ(cluster.watches.size(), 1u);
  EXPECT_EQ(cluster.event_watches.size(), 1u);
  EXPECT_EQ(cluster.versions.size(), 1u);
  EXPECT_FALSE(summary().loaded);
}

TEST_F(PodWatchTest, WatchesNoEventsWhenTheyAreDisabled) {
  settings->disable_pod_events = true;
  load();
  EXPECT_TRUE(cluster.event_watches.empty());
  EXPECT_EQ(cluster.watches.size(), 1u);
}

TEST_F(PodWatchTest, PassesTheListOnAndReportsItToHealth) {
  cluster.add(ticket);
  load();
  EXPECT_TRUE(summary().loaded);
  EXPECT_EQ(summary().operations.size(), 1u);
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].component, "cluster");
  EXPECT_TRUE(reports[0].ok);
  EXPECT_EQ(reports[1].component, "pods");
  EXPECT_EQ(reports[1].text, "1 pods");
}

TEST_F(PodWatchTest, ReportsTroubleAndItsEnd) {
  load();
  reports.clear();
  cluster.trouble({errc::forbidden, "pods is forbidden"});
  settle();
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_FALSE(reports[0].ok);
  EXPECT_EQ(reports[0].text, "pods is forbidden");
  cluster.trouble({});
  settle();
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_TRUE(reports[1].ok);
}

TEST_F(PodWatchTest, PassesOnChangesAndDeletions_MON07) {
  load();
  cluster.add(ticket);
  cluster.run(ticket);
  settle();
  auto x = summary();
  ASSERT_EQ(x.operations.size(), 1u);
  EXPECT_EQ(x.operations[0].phase, pod_phase::running);
  cluster.remove(ticket);
  serve();
  EXPECT_EQ(status(ticket).exit_code, exit_pod_not_found);
}

TEST_F(PodWatchTest, ADeletedPodThatNobodyKnowsIsNoMatter_MON09) {
  load();
  auto other = script_ticket{"Other-1"};
  cluster.add(other);
  cluster.remove(other);
  serve();
  EXPECT_TRUE(summary().operations.empty());
  EXPECT_TRUE(exits.empty());
}

TEST_F(PodWatchTest, EndsItsWatchesWithItself) {
  load();
  parent().send_exit(watch, caf::exit_reason::kill);
  watch = nullptr;
  settle();
  EXPECT_TRUE(cluster.watches.empty());
  EXPECT_TRUE(cluster.event_watches.empty());
}

} // namespace

} // namespace cuttle::test
