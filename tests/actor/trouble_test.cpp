// Pods that cannot run: each ends or waits in its time, with a line that names
// cause and remedy.

#include "actor_fixture.hpp"

namespace cuttle::test {

namespace {

using TroubleTest = intake_fixture;
using kind = container_status::kind;

const script_ticket ticket{"Ticket-1"};

TEST_F(TroubleTest, AnEvictionBeforeTheStartEndsTheScriptAtOnce_MON13) {
  load();
  started(ticket);
  auto& pod = cluster.at(ticket).snapshot;
  pod.phase = "Failed";
  pod.reason = "Evicted";
  pod.message = "The node was low on resource: memory.";
  pod.containers.clear();
  cluster.announce(ticket);
  serve();
  auto end = status(ticket);
  EXPECT_EQ(end.state, process_state::complete);
  EXPECT_EQ(end.exit_code, exit_timeout);
  EXPECT_TRUE(says(end, output_source::err,
                   "The node evicted the pod "
                   "(Evicted): The node was low on "
                   "resource: memory. Give"));
  // The next question has the same answer.
  EXPECT_EQ(status(ticket).exit_code, exit_timeout);
  EXPECT_EQ(cancelled(ticket).exit_code, exit_timeout);
}

TEST_F(TroubleTest, AnEvictedPodIsAnOrphanFromItsFailureOn_ORP01) {
  load();
  started(ticket);
  auto& pod = cluster.at(ticket).snapshot;
  pod.phase = "Failed";
  pod.reason = "Evicted";
  advance(30min);
  cluster.announce(ticket);
  serve();
  auto failed_at = now_;
  advance(5min);
  ASSERT_EQ(summary().operations.size(), 1u);
  EXPECT_EQ(summary().operations[0].finished_at, failed_at);
  caf::anon_send(intake, collect_orphan{ticket});
  serve();
  EXPECT_EQ(cluster.find(ticket), nullptr);
  EXPECT_EQ(status(ticket).exit_code, exit_timeout) << "the result stays";
}

TEST_F(TroubleTest, AFailedInitContainerEndsTheScriptAtOnce_RAW05) {
  load();
  started(ticket);
  auto& pod = cluster.at(ticket).snapshot;
  pod.init_containers.push_back({pod.name + "-init", kind::terminated, "Error",
                                 "", 1, std::nullopt, std::nullopt});
  cluster.announce(ticket);
  serve();
  auto end = status(ticket);
  EXPECT_EQ(end.state, process_state::complete);
  EXPECT_EQ(end.exit_code, exit_timeout);
  EXPECT_TRUE(says(end, output_source::err, "failed with exit code 1"));
}

TEST_F(TroubleTest, AWrongImageNameEndsTheScriptAtOnce_MON13) {
  load();
  started(ticket);
  cluster.at(ticket).snapshot.containers[0].reason = "InvalidImageName";
  cluster.announce(ticket);
  serve();
  auto end = status(ticket);
  EXPECT_EQ(end.state, process_state::complete);
  EXPECT_EQ(end.exit_code, exit_timeout);
  EXPECT_TRUE(says(end, output_source::err, "Correct the image"));
}

TEST_F(TroubleTest, AMissingSecretEndsTheScriptAfterAMinuteNotBefore_MON13) {
  load();
  started(ticket);
  auto& container = cluster.at(ticket).snapshot.containers[0];
  container.reason = "CreateContainerConfigError";
  container.message = "secret \"x\" not found";
  cluster.announce(ticket);
  serve();
  auto waiting = status(ticket);
  EXPECT_EQ(waiting.state, process_state::pending);
  EXPECT_TRUE(says(waiting, output_source::out, "secret \"x\" not found"));
  advance(59s);
  cluster.announce(ticket);
  serve();
  EXPECT_EQ(status(ticket).state, process_state::pending);
  advance(1s);
  serve();
  auto end = status(ticket);
  EXPECT_EQ(end.state, process_state::complete);
  EXPECT_EQ(end.exit_code, exit_timeout);
  EXPECT_TRUE(says(end, output_source::err, "within a minute"));
  EXPECT_TRUE(says(end, output_source::err, "secret \"x\" not found"));
  EXPECT_EQ(cluster.find(ticket), nullptr) << "the pod is removed";
}

TEST_F(TroubleTest, ASecretThatComesInTimeSavesTheScript_MON13) {
  load();
  started(ticket);
  cluster.at(ticket).snapshot.containers[0].reason
    = "CreateContainerConfigError";
  cluster.announce(ticket);
  advance(30s);
  cluster.run(ticket);
  serve();
  advance(2min);
  serve();
  EXPECT_EQ(status(ticket).state, process_state::running);
}

TEST_F(TroubleTest, AnImageThatCannotBePulledIsWaitedForAndSaidOnce_MON13) {
  load();
  started(ticket);
  auto& container = cluster.at(ticket).snapshot.containers[0];
  container.reason = "ImagePullBackOff";
  container.message = "not found";
  cluster.announce(ticket);
  serve();
  EXPECT_TRUE(says(status(ticket), output_source::out, "cannot be pulled"));
  advance(5min);
  cluster.announce(ticket);
  serve();
  auto later = status(ticket);
  EXPECT_EQ(later.state, process_state::pending);
  EXPECT_FALSE(says(later, output_source::out, "cannot be pulled"));
}

TEST_F(TroubleTest, AWaitSaysHowLongItMayLast_PND01_MON13) {
  load();
  started(ticket);
  auto& container = cluster.at(ticket).snapshot.containers[0];
  container.reason = "ImagePullBackOff";
  container.message = "not found";
  cluster.announce(ticket);
  serve();
  EXPECT_TRUE(says(status(ticket), output_source::out, "there is no limit"));
  settings->pending_limit = 60min;
  container.message = "still not found";
  cluster.announce(ticket);
  serve();
  EXPECT_TRUE(says(status(ticket), output_source::out,
                   "until its pod has been pending for 60 minutes."));
  container.reason = "CreateContainerConfigError";
  cluster.announce(ticket);
  serve();
  EXPECT_TRUE(says(status(ticket), output_source::out,
                   "given up unless this passes within a minute."));
}

TEST_F(TroubleTest, AHeldUpPodIsMeasuredUntilItRuns) {
  load();
  started(ticket);
  EXPECT_TRUE(measures("cuttle_pods{state=\"pending\"} 1"));
  auto& container = cluster.at(ticket).snapshot.containers[0];
  container.reason = "ImagePullBackOff";
  container.message = "not found";
  cluster.announce(ticket);
  serve();
  EXPECT_TRUE(measures("cuttle_pods{state=\"pending\"} 0"));
  EXPECT_TRUE(measures("cuttle_pods{state=\"held_up\"} 1"));
  EXPECT_TRUE(measures("cuttle_pod_start_seconds_count 0"));
  advance(5min);
  cluster.run(ticket);
  serve();
  EXPECT_TRUE(measures("cuttle_pods{state=\"held_up\"} 0"));
  EXPECT_TRUE(measures("cuttle_pods{state=\"running\"} 1"));
  EXPECT_TRUE(measures("cuttle_pod_start_seconds_count 1"));
  EXPECT_TRUE(measures("cuttle_pod_start_seconds_sum 300"));
  cluster.finish(ticket, 0);
  serve();
  EXPECT_TRUE(measures("cuttle_pods{state=\"running\"} 0"));
}

TEST_F(TroubleTest, ABrokenOrCancelledScriptIsNotMeasuredAnyMore) {
  load();
  started(ticket);
  cluster.run(ticket);
  serve();
  EXPECT_TRUE(measures("cuttle_pods{state=\"running\"} 1"));
  EXPECT_TRUE(complete(ticket)->value);
  serve();
  EXPECT_TRUE(measures("cuttle_pods{state=\"running\"} 0")) << metrics.render();
}

TEST_F(TroubleTest, ARefusalHasTheClustersWordsAndTheRemedy_MON13) {
  load();
  auto reply = start(ticket);
  settle();
  store.serve();
  settle();
  cluster.refuse_creation(
    ticket, {errc::forbidden, "pods \"x\" is forbidden: exceeded quota: q"});
  serve();
  ASSERT_TRUE(reply->error);
  EXPECT_EQ(reply->error->text.find("pods \"x\" is forbidden: exceeded quota"),
            0u);
  EXPECT_NE(reply->error->text.find("raise the resource quota"),
            std::string::npos);
}

TEST_F(TroubleTest, AnEventThatSaysTooLittleGetsItsRemedyOnce_MON13) {
  load();
  started(ticket);
  pod_event event;
  event.uid = "e1";
  event.pod_name = "octopus-script-ticket-1";
  event.type = "Warning";
  event.reason = "FailedMount";
  event.message = "MountVolume.SetUp failed";
  event.occurred = now_;
  cluster.event(event);
  event.uid = "e2";
  cluster.event(event);
  settle();
  auto out = texts(status(ticket), output_source::out);
  auto remedies = std::count_if(out.begin(), out.end(), [](auto& x) {
    return x.find("can reach the storage") != std::string::npos;
  });
  EXPECT_EQ(remedies, 1);
}

class TemplateTest : public intake_fixture {
protected:
  TemplateTest() {
    made->templates = std::make_shared<kubernetes::template_cache>(
      cluster, [this] { return time_; });
  }

  kubernetes::template_cache::clock::time_point time_{1h};
};

TEST_F(TemplateTest, IsReadOnceForManyScriptsAndAgainAfterItsTime_TPL03) {
  cluster.lists["scriptpodtemplates"] = std::string{
    R"({"items":[{"metadata":{"name":"a"},
        "spec":{"podSpec":{"priorityClassName":"low"}}}]})"};
  load();
  started(ticket);
  started(script_ticket{"Ticket-2"});
  EXPECT_EQ(cluster.listings["scriptpodtemplates"], 1);
  EXPECT_EQ(cluster.listings["deployments"], 0) << "the resource wins";
  for (auto& manifest : cluster.manifests)
    EXPECT_NE(manifest.find("\"priorityClassName\":\"low\""),
              std::string::npos);
  time_ += 14min + 59s;
  started(script_ticket{"Ticket-3"});
  EXPECT_EQ(cluster.listings["scriptpodtemplates"], 1);
  time_ += 1s;
  started(script_ticket{"Ticket-4"});
  EXPECT_EQ(cluster.listings["scriptpodtemplates"], 2);
}

TEST_F(TemplateTest, MayBeADeploymentWhereThereIsNoResource_TPL01) {
  cluster.lists["deployments"] = std::string{
    R"({"items":[{"metadata":{"name":"d"},"spec":{"template":{
        "spec":{"priorityClassName":"low"}}}}]})"};
  load();
  started(ticket);
  ASSERT_EQ(cluster.manifests.size(), 1u);
  EXPECT_NE(cluster.manifests[0].find("\"priorityClassName\":\"low\""),
            std::string::npos);
}

TEST_F(TemplateTest, ThatCannotBeReadIsNoneAndTheScriptRuns_TPL02) {
  cluster.lists["scriptpodtemplates"]
    = fail(errc::forbidden, "scriptpodtemplates is forbidden");
  cluster.lists["deployments"] = std::string{"this is no list"};
  load();
  EXPECT_EQ(started(ticket).state, process_state::pending);
  started(script_ticket{"Ticket-2"});
  EXPECT_EQ(cluster.listings["deployments"], 1) << "none is remembered too";
  EXPECT_EQ(cluster.created.size(), 2u);
}

} // namespace

} // namespace cuttle::test
