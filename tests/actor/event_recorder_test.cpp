// Events of the release's pods on their way into the config map of metrics.

#include <nlohmann/json.hpp>

#include "actor_fixture.hpp"
#include "actors/event_recorder.hpp"

namespace cuttle::test {

namespace {

class EventRecorderTest : public intake_fixture {
protected:
  void begin() {
    cluster.maps["kubernetes-agent-metrics"];
    recorder_ = spawn_event_recorder(parent(), context);
    intake = spawn_task_intake(parent(), context, health);
    watch = spawn_pod_watch(parent(), context, intake, health, recorder_);
    settle();
    cluster.list();
    serve();
  }

  void drop_handles() override {
    recorder_ = nullptr;
    intake_fixture::drop_handles();
  }

  void kill_nfs(int n) {
    pod_event event;
    event.uid = "kill-" + std::to_string(n);
    event.pod_name = "octopus-agent-nfs-0";
    event.reason = "Killing";
    event.occurred = now_ + std::chrono::seconds{n};
    cluster.event(event);
    settle();
  }

  std::size_t recorded() {
    auto& map = cluster.maps["kubernetes-agent-metrics"];
    auto i = map.find("metrics");
    if (i == map.end())
      return 0;
    return nlohmann::json::parse(i->second)["Killing"]["nfs"].size();
  }

private:
  event_recorder_actor recorder_;
};

TEST_F(EventRecorderTest, WritesABatchAtOnceAndThenEveryTenMinutes_EVT01) {
  begin();
  kill_nfs(1);
  kill_nfs(2);
  EXPECT_EQ(cluster.map_writes, 0);
  advance(10s);
  EXPECT_EQ(recorded(), 2u);
  EXPECT_EQ(cluster.map_writes, 1) << "one write for all";
  kill_nfs(3);
  advance(9min);
  EXPECT_EQ(recorded(), 2u);
  advance(1min);
  EXPECT_EQ(recorded(), 3u);
  EXPECT_EQ(cluster.map_reads, 2);
  advance(1h);
  EXPECT_EQ(cluster.map_reads, 2) << "a quiet worker asks for nothing";
}

TEST_F(EventRecorderTest, WritesWhatEndsAQuietTimeWithinTenSeconds_EVT01) {
  begin();
  advance(11s);
  kill_nfs(1);
  advance(10s);
  EXPECT_EQ(recorded(), 1u);
  kill_nfs(2);
  advance(9min);
  EXPECT_EQ(recorded(), 1u) << "at most one write in ten minutes";
  advance(1min);
  EXPECT_EQ(recorded(), 2u);
  EXPECT_EQ(cluster.map_writes, 2);
}

TEST_F(EventRecorderTest, TriesAgainLaterWhenTheMapCannotBeWritten_MET02) {
  begin();
  cluster.map_failure = {errc::forbidden, "configmaps is forbidden"};
  kill_nfs(1);
  advance(10s);
  EXPECT_EQ(recorded(), 0u);
  EXPECT_TRUE(exits.empty()) << "nothing breaks";
  cluster.map_failure = {};
  advance(10min);
  EXPECT_EQ(recorded(), 1u);
}

TEST_F(EventRecorderTest, RecordsAlsoWhenTheTaskLogShowsNoEvents_EVT01) {
  settings->disable_pod_events = true;
  begin();
  kill_nfs(1);
  advance(10s);
  EXPECT_EQ(recorded(), 1u);
}

} // namespace

} // namespace cuttle::test
