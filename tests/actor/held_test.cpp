// The API server does not take a pod now: too much to do, or no room in a
// resource quota. The script waits, says so, and goes on by itself.

#include "actor_fixture.hpp"
#include "actors/creation_pace.hpp"

namespace cuttle::test {

namespace {

const failure busy{errc::overloaded,
                   "Cannot create pod 'x': too many requests."};

failure quota_failure(const std::string& requested = "pods=1") {
  return {errc::forbidden,
          "Cannot create pod 'x': pods \"x\" is forbidden: exceeded quota: "
          "scripts, requested: "
            + requested + ", used: pods=3, limited: pods=3."};
}

TEST(CreationPace, HalvesOnceForEachWaveOfRefusals) {
  creation_pace pace{32};
  EXPECT_EQ(pace.window(), 32u);
  EXPECT_EQ(pace.refused(1s), 1s);
  EXPECT_EQ(pace.window(), 16u);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(pace.refused(1s), 0ms) << "of the same wave";
  EXPECT_EQ(pace.window(), 16u);
  pace.resumed();
  for (int i = 0; i < 20; ++i) {
    pace.refused(1s);
    pace.resumed();
  }
  EXPECT_EQ(pace.window(), 1u) << "never none";
}

TEST(CreationPace, GrowsByOneForEachWindowOfSuccesses) {
  creation_pace pace{8};
  for (int i = 0; i < 5; ++i) {
    pace.refused(0s);
    pace.resumed();
  }
  EXPECT_EQ(pace.window(), 1u);
  pace.created();
  EXPECT_EQ(pace.window(), 2u);
  for (int i = 0; i < 3; ++i)
    pace.created();
  EXPECT_EQ(pace.window(), 3u);
  for (int i = 0; i < 1'000; ++i)
    pace.created();
  EXPECT_EQ(pace.window(), 8u) << "not above the setting";
}

TEST(CreationPace, PausesLongerWhileNothingSucceedsAndAsLongAsAsked) {
  creation_pace pace{4};
  auto last = 0ms;
  for (int i = 0; i < 10; ++i) {
    auto pause = pace.refused(0s);
    EXPECT_GE(pause, last);
    last = pause;
    pace.resumed();
  }
  EXPECT_EQ(last, 30s);
  pace.created();
  EXPECT_EQ(pace.refused(0s), 500ms);
  pace.resumed();
  EXPECT_EQ(pace.refused(7s), 7s);
  pace.resumed();
  EXPECT_EQ(pace.refused(24h), creation_pace::longest_pause);
}

class HeldTest : public intake_fixture {
protected:
  // Lets the creation of that script come as far as the API server.
  answer_ptr<script_status> asked_for(const script_ticket& ticket) {
    auto reply = start(ticket);
    settle();
    store.serve();
    settle();
    return reply;
  }

  bool waits_for_answer(const script_ticket& ticket) {
    for (auto& x : cluster.creations)
      if (x.name == "octopus-script-" + ticket.key())
        return true;
    return false;
  }

  const script_ticket a{"A-1"};
  const script_ticket b{"B-1"};
  const script_ticket c{"C-1"};
};

TEST_F(HeldTest, ABusyApiServerIsAskedAgainAfterTheTimeThatItNames) {
  load();
  auto reply = asked_for(a);
  cluster.refuse_creation(a, busy, 3s);
  settle();
  EXPECT_FALSE(reply->done);
  EXPECT_FALSE(waits_for_answer(a));
  advance(2999ms);
  EXPECT_FALSE(waits_for_answer(a));
  advance(1ms);
  EXPECT_TRUE(waits_for_answer(a));
  serve();
  ASSERT_TRUE(reply->value);
  EXPECT_TRUE(says(*reply->value, output_source::debug, "too much to do"));
  EXPECT_EQ(cluster.created["octopus-script-a-1"], 1);
  EXPECT_EQ(store.prepared.size(), 1u) << "its workspace is there";
}

TEST_F(HeldTest, AStartIsMeasuredOnceUntilItsRequestGoesOut) {
  load();
  auto x = command(a);
  x.arrived = std::chrono::steady_clock::now();
  auto reply = ask(intake, x);
  settle();
  EXPECT_TRUE(measures("cuttle_start_seconds_count 0"));
  store.serve();
  settle();
  EXPECT_TRUE(measures("cuttle_start_seconds_count 1"));
  cluster.refuse_creation(a, busy, 1s);
  settle();
  advance(1s);
  serve();
  ASSERT_TRUE(reply->value);
  EXPECT_TRUE(measures("cuttle_start_seconds_count 1"));
  started(b);
  EXPECT_TRUE(measures("cuttle_start_seconds_count 1"))
    << "nobody knows when it arrived";
}

TEST_F(HeldTest, ABusyApiServerGetsFewerCreationsAtATime) {
  settings->creations_limit = 4;
  load();
  std::vector<answer_ptr<script_status>> replies;
  for (int i = 0; i < 8; ++i)
    replies.push_back(asked_for({"T-" + std::to_string(i)}));
  ASSERT_EQ(cluster.creations.size(), 4u);
  for (int i = 0; i < 4; ++i)
    cluster.refuse_creation({"T-" + std::to_string(i)}, busy, 1s);
  settle();
  EXPECT_TRUE(cluster.creations.empty()) << "nobody overtakes them";
  advance(1s);
  ASSERT_EQ(cluster.creations.size(), 2u) << "half of four";
  EXPECT_TRUE(waits_for_answer({"T-0"})) << "who came first goes first";
  EXPECT_TRUE(waits_for_answer({"T-1"}));
  EXPECT_NE(metrics.render().find("cuttle_creations_window 2"),
            std::string::npos);
  EXPECT_NE(
    metrics.render().find("cuttle_creations_refused_total{cause=\"busy\"} 4"),
    std::string::npos);
  serve();
  for (auto& reply : replies)
    EXPECT_TRUE(reply->value);
  for (auto& [name, times] : cluster.created)
    EXPECT_EQ(times, 1) << name;
  EXPECT_EQ(cluster.created.size(), 8u);
}

TEST_F(HeldTest, AScriptThatIsHeldIsCancelledAtOnce_SVC35) {
  load();
  auto reply = asked_for(a);
  cluster.refuse_creation(a, busy, 60s);
  settle();
  auto end = cancelled(a);
  EXPECT_EQ(end.state, process_state::complete);
  EXPECT_EQ(end.exit_code, exit_cancelled);
  EXPECT_TRUE(store.workspaces.empty());
  advance(60s);
  serve();
  EXPECT_TRUE(cluster.pods.empty());
  complete(a);
  EXPECT_TRUE(summary().operations.empty());
}

TEST_F(HeldTest, AQuotaWithoutRoomIsToldWithItsFiguresAndWaitedFor) {
  settings->pending_limit = 60min;
  load();
  auto reply = asked_for(a);
  cluster.refuse_creation(a, quota_failure());
  settle();
  EXPECT_FALSE(reply->done) << "it could be lost";
  store.serve();
  settle();
  ASSERT_TRUE(reply->value) << "the wait may be long";
  auto& x = *reply->value;
  EXPECT_EQ(x.state, process_state::pending);
  for (auto* part :
       {"resource quota 'scripts'", "asks for pods=1", "in use are pods=3",
        "allows pods=3", "raise the resource quota", "within 60 minutes"})
    EXPECT_TRUE(says(x, output_source::out, part)) << part;
  EXPECT_TRUE(texts(x, output_source::out).end()[-3]
              == "##octopus[stdout-wait]");
  EXPECT_EQ(status(a).state, process_state::pending);
  advance(1s);
  ASSERT_TRUE(waits_for_answer(a));
  serve();
  EXPECT_EQ(cluster.created["octopus-script-a-1"], 1);
  EXPECT_TRUE(store.requests.empty());
  cluster.run(a);
  serve();
  EXPECT_EQ(status(a).state, process_state::running);
}

TEST_F(HeldTest, TheEndOfAPodIsRoomInTheQuota) {
  load();
  started(a);
  cluster.run(a);
  serve();
  asked_for(b);
  cluster.refuse_creation(b, quota_failure());
  serve();
  for (int i = 0; i < 8; ++i) {
    advance(30s);
    if (waits_for_answer(b))
      cluster.refuse_creation(b, quota_failure());
    settle();
  }
  cluster.finish(a, 0);
  settle();
  EXPECT_FALSE(waits_for_answer(b));
  advance(250ms);
  EXPECT_TRUE(waits_for_answer(b)) << "it need not wait for half a minute";
  serve();
  EXPECT_EQ(cluster.created["octopus-script-b-1"], 1);
}

TEST_F(HeldTest, OneOfThoseThatWaitForAQuotaTriesForAll) {
  load();
  std::vector<answer_ptr<script_status>> replies;
  for (auto& ticket : {a, b, c}) {
    replies.push_back(asked_for(ticket));
    if (waits_for_answer(ticket))
      cluster.refuse_creation(ticket, quota_failure());
    serve();
  }
  EXPECT_EQ(cluster.manifests.size(), 1u)
    << "those behind the first do not even ask";
  for (int i = 0; i < 10; ++i) {
    advance(30s);
    ASSERT_EQ(cluster.creations.size(), 1u);
    cluster.refuse_creation(a, quota_failure());
    serve();
  }
  EXPECT_EQ(cluster.manifests.size(), 11u);
  ASSERT_TRUE(replies[2]->value);
  EXPECT_TRUE(
    says(*replies[2]->value, output_source::debug, "at place 3 of 3"));
  advance(30s);
  serve();
  EXPECT_EQ(cluster.pods.size(), 3u) << "one that succeeds calls the next";
  for (auto& [name, times] : cluster.created)
    EXPECT_EQ(times, 1) << name;
}

TEST_F(HeldTest, AScriptThatWaitsForAQuotaIsCancelledAtOnce_SVC35) {
  load();
  asked_for(a);
  cluster.refuse_creation(a, quota_failure());
  serve();
  ASSERT_TRUE(store.requests.contains(a.key()));
  asked_for(b);
  auto end = cancelled(a);
  EXPECT_EQ(end.exit_code, exit_cancelled);
  EXPECT_FALSE(store.requests.contains(a.key()));
  EXPECT_FALSE(store.workspaces.contains(a.key()));
  advance(1s);
  serve();
  EXPECT_EQ(cluster.created["octopus-script-b-1"], 1) << "the next one tries";
  EXPECT_EQ(cluster.created["octopus-script-a-1"], 0);
}

TEST_F(HeldTest, AWaitForAQuotaEndsAtThePendingLimit_PND01) {
  settings->pending_limit = 10min;
  load();
  asked_for(a);
  cluster.refuse_creation(a, quota_failure());
  serve();
  for (int i = 0; i < 20; ++i) {
    advance(30s);
    if (waits_for_answer(a))
      cluster.refuse_creation(a, quota_failure());
    settle();
  }
  serve();
  auto end = status(a);
  EXPECT_EQ(end.state, process_state::complete);
  EXPECT_EQ(end.exit_code, exit_timeout);
  EXPECT_TRUE(says(end, output_source::err, "within 10 minutes"));
  EXPECT_TRUE(says(end, output_source::err, "quota 'scripts'"));
  EXPECT_TRUE(store.requests.empty()) << "a restart would run it";
  EXPECT_TRUE(cluster.pods.empty());
}

TEST_F(HeldTest, APodThatTheQuotaNeverHasRoomForIsRefusedAtOnce_RPC05) {
  load();
  auto reply = asked_for(a);
  cluster.refuse_creation(a, quota_failure("pods=4"));
  serve();
  ASSERT_TRUE(reply->error);
  EXPECT_EQ(reply->error->code, errc::forbidden);
  EXPECT_TRUE(store.workspaces.empty());
}

TEST_F(HeldTest, AWaitForAQuotaSurvivesARestart_RST01) {
  load();
  auto reply = asked_for(a);
  cluster.refuse_creation(a, quota_failure());
  serve();
  ASSERT_TRUE(reply->value);
  restart();
  EXPECT_EQ(cluster.created["octopus-script-a-1"], 1);
  EXPECT_TRUE(store.requests.empty());
}

TEST_F(HeldTest, AHeldScriptKeepsItsIsolationLock_ISO02) {
  load();
  auto exclusive = [&](const script_ticket& ticket) {
    auto result = command(ticket);
    result.isolation = isolation_level::full;
    return result;
  };
  ask(intake, exclusive(a));
  settle();
  store.serve();
  settle();
  cluster.refuse_creation(a, quota_failure());
  serve();
  ask(intake, exclusive(b));
  serve();
  EXPECT_EQ(store.prepared, std::vector<std::string>{"A-1"});
  advance(1s);
  serve();
  EXPECT_EQ(cluster.pods.size(), 2u);
}

} // namespace

} // namespace cuttle::test
