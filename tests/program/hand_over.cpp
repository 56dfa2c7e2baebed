// A worker that was told to stop makes room for the next one: it removes its
// own pod, so that nobody waits for its node. The pod is played by that of a
// script which takes no notice of its end.

#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/program/stage.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class HandOver : public EmbeddedStage {
protected:
  void prepare() override {
    // The worker is made anew, with what its pod says of itself.
    start_connected_worker();
    script_ = start("trap '' TERM; echo ready; sleep 600");
    ASSERT_TRUE(script_->sees("ready"));
    ASSERT_EQ(embedded()->pods().size(), 1u);
    pod_ = embedded()->pods().front();
    auto object = json::parse(embedded()->object("pods", pod_));
    uid_ = object["metadata"]["uid"];
    worker_->process().signal(SIGKILL);
    worker_->process().wait(30s);
    // (or the next one would be taken for connected before it is)
    ASSERT_TRUE(eventually([&] { return connections_ == 0; }));
  }

  void start_as(const std::string& pod, const std::string& uid) {
    start_connected_worker({{"HOSTNAME", pod}, {"CUTTLE_POD_UID", uid}});
  }

  void stop() {
    worker_->process().signal(SIGTERM);
    EXPECT_EQ(worker_->process().wait(30s), 0) << worker_->process().output();
  }

  bool is_there() {
    return !embedded()->object("pods", pod_).empty();
  }

  running_script_ptr script_;
  std::string pod_;
  std::string uid_;
};

} // namespace

TEST_F(HandOver, AWorkerThatHasStoppedRemovesItsPodThatIsBeingDeleted_RST06) {
  start_as(pod_, uid_);
  embedded()->delete_pod(pod_, 300s);
  ASSERT_TRUE(is_there());
  stop();
  EXPECT_FALSE(is_there());
  EXPECT_TRUE(worker_->logged("handed-over", pod_));
  // The last act, when nothing is left to write.
  auto log = worker_->process().output();
  EXPECT_LT(log.find("worker-stopped"), log.find("handed-over"));
}

TEST_F(HandOver, AWorkerWhoseContainerAloneIsRestartedKeepsItsPod_RST06) {
  start_as(pod_, uid_);
  stop();
  EXPECT_TRUE(is_there());
  EXPECT_FALSE(worker_->logged("handed-over"));
  EXPECT_FALSE(worker_->logged("not-handed-over"));
}

TEST_F(HandOver, APodOfTheSameNameThatIsAnotherOneStays_RST06) {
  start_as(pod_, "00000000-0000-0000-0000-000000000000");
  embedded()->delete_pod(pod_, 300s);
  stop();
  EXPECT_TRUE(is_there());
  EXPECT_FALSE(worker_->logged("handed-over"));
}

TEST_F(HandOver, WhoMayNotRemoveItsPodSaysSoAndEndsInGoodOrder_RST06) {
  start_as(pod_, uid_);
  embedded()->delete_pod(pod_, 300s);
  embedded()->refuse("delete", "pods", 403,
                     "pods is forbidden: the worker may not delete pods", 9);
  stop();
  EXPECT_TRUE(is_there());
  EXPECT_TRUE(worker_->logged("not-handed-over", "may not delete pods"))
    << worker_->process().output();
}

TEST_F(HandOver, AnApiServerThatDoesNotAnswerHoldsUpNoEnd_RST06) {
  start_as(pod_, uid_);
  embedded()->delete_pod(pod_, 300s);
  embedded()->slow_down(300s);
  stop();
  EXPECT_TRUE(worker_->logged("not-handed-over"))
    << worker_->process().output();
}

} // namespace cuttle::test
