// What the probes are told.

#include "actor_fixture.hpp"
#include "actors/health.hpp"

namespace cuttle::test {

namespace {

class HealthTest : public actor_fixture {
protected:
  void SetUp() override {
    actor_fixture::SetUp();
    root_ = track(system().spawn(
      [this](worker_actor::pointer) -> worker_actor::behavior_type {
        return {
          [](drain_atom) {},
          [](live_atom) { return probe_report{}; },
          [](ready_atom) { return probe_report{}; },
          [this](start_atom) { ++starts_; },
        };
      }));
    health_ = spawn_health(parent(), context, root_);
    settle();
  }

  void drop_handles() override {
    health_ = nullptr;
    root_ = nullptr;
  }

  void report(const std::string& component, bool ok, const std::string& text) {
    caf::anon_send(health_, component_report{component, ok, text});
    settle();
  }

  probe_report ready() {
    auto x = ask<probe_report>(health_, ready_atom_v);
    settle();
    return *x->operator->();
  }

  worker_actor root_;
  health_actor health_;
  int starts_ = 0;
};

TEST_F(HealthTest, IsAliveFromTheStart) {
  auto x = ask<probe_report>(health_, live_atom_v);
  settle();
  EXPECT_TRUE((*x)->ok);
  EXPECT_EQ((*x)->text, "alive");
}

TEST_F(HealthTest, IsNotReadyBeforeThePodsAreLoadedAndSaysWhy) {
  EXPECT_FALSE(ready().ok);
  EXPECT_EQ(ready().text, "The script pods are not loaded yet.");
  report("cluster", false, "pods is forbidden");
  EXPECT_EQ(ready().text, "The script pods are not loaded yet: pods is "
                          "forbidden.");
}

TEST_F(HealthTest, IsNotReadyWithoutAServerAndSaysWhichAndWhy) {
  report("pods", true, "0 pods");
  EXPECT_EQ(ready().text, "No server is connected.");
  report("server:octopus:10943", false, "connection refused");
  EXPECT_FALSE(ready().ok);
  EXPECT_NE(ready().text.find("octopus:10943: connection refused"),
            std::string::npos);
}

TEST_F(HealthTest, IsReadyWithOneServerOfTwo) {
  report("pods", true, "0 pods");
  report("server:a:1", false, "no route");
  report("server:b:1", true, "1 connections");
  EXPECT_TRUE(ready().ok);
  EXPECT_EQ(ready().text, "ready");
  report("server:b:1", false, "lost");
  EXPECT_FALSE(ready().ok);
}

TEST_F(HealthTest, TellsTheWorkerOnceThatThePodsAreLoaded_MON06) {
  report("cluster", true, "watching");
  EXPECT_EQ(starts_, 0);
  report("pods", true, "3 pods");
  report("pods", true, "4 pods");
  EXPECT_EQ(starts_, 1);
}

TEST_F(HealthTest, IsNotReadyDuringADrain) {
  report("pods", true, "0 pods");
  report("server:b:1", true, "1 connections");
  caf::anon_send(health_, drain_atom_v);
  settle();
  EXPECT_FALSE(ready().ok);
  EXPECT_EQ(ready().text, "The worker is about to stop.");
}

} // namespace

} // namespace cuttle::test
