// A cluster without room: the task log and the metrics say so at once, and
// nothing is lost when room comes.

#include "tests/program/stage.hpp"

namespace cuttle::test {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

namespace {

class NoRoom : public EmbeddedStage {
protected:
  void prepare() override {
    embedded()->make_room_for(0);
  }

  /// Whether the metrics have that line.
  bool measures(const std::string& line) {
    auto body = "\n" + worker_->get("/metrics").second;
    return body.find("\n" + line + "\n") != std::string::npos;
  }
};

} // namespace

TEST_F(NoRoom, IsToldAtOnceWithTheSchedulersWordsAndTheRemedy_MON13_PND01) {
  start_connected_worker(
    {{"OCTOPUS__K8STENTACLE__PENDINGPODSSTUCKAFTERMINUTES", "45"}});
  auto script = start("echo here at last");
  EXPECT_TRUE(script->sees("No node can run the pod"));
  EXPECT_TRUE(script->has("0/1 nodes are available"));
  EXPECT_TRUE(script->has("Free capacity or add nodes"));
  EXPECT_TRUE(script->has("until its pod has been pending for 45 minutes"));
  EXPECT_TRUE(
    eventually([this] { return worker_->logged("pod-held-up", "0/1 nodes"); }));
  embedded()->make_room_for(1);
  auto result = script->wait();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(texts(result), strings{"here at last"});
}

TEST_F(NoRoom, IsMeasuredUntilThereIsSome) {
  start_connected_worker();
  auto first = start("echo here at last");
  auto second = start("echo here at last");
  ASSERT_TRUE(first->sees("No node can run the pod"));
  ASSERT_TRUE(second->sees("No node can run the pod"));
  EXPECT_TRUE(measures("cuttle_pods{state=\"held_up\"} 2"));
  EXPECT_TRUE(measures("cuttle_pod_start_seconds_count 0"));
  embedded()->make_room_for(1);
  EXPECT_EQ(first->wait().exit_code, 0);
  EXPECT_EQ(second->wait().exit_code, 0);
  EXPECT_TRUE(measures("cuttle_pods{state=\"held_up\"} 0"));
  EXPECT_TRUE(measures("cuttle_pods{state=\"running\"} 0"));
}

} // namespace cuttle::test
