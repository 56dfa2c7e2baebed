// A cluster without room: the task log and the metrics say so at once, and
// nothing is lost when room comes.

#include "infra/kubernetes/manifest.hpp"
#include "tests/program/stage.hpp"

namespace cuttle::test {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;

namespace {

class NoRoom : public Stage {
protected:
  void SetUp() override {
    Stage::SetUp();
    if (IsSkipped() || HasFatalFailure())
      return;
    if (!embedded())
      GTEST_SKIP() << "played by the embedded cluster";
    embedded()->make_room_for(0);
  }

  /// Whether the metrics have that line.
  bool measures(const std::string& line) {
    auto body = "\n" + worker_->get("/metrics").second;
    return body.find("\n" + line + "\n") != std::string::npos;
  }
};

} // namespace

TEST_F(NoRoom, IsToldAtOnceWithTheSchedulersWordsAndTheRemedy_MON13) {
  start_connected_worker();
  auto script = start("echo here at last");
  EXPECT_TRUE(script->sees("No node can run the pod"));
  EXPECT_TRUE(script->sees("0/1 nodes are available"));
  EXPECT_TRUE(script->sees("Free capacity or add nodes"));
  embedded()->make_room_for(1);
  auto result = script->wait();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(texts(result), strings{"here at last"});
  for (auto& line : result.lines)
    std::printf("%d %s\n", static_cast<int>(line.source), line.text.c_str());
}

TEST_F(NoRoom, IsMeasured) {
  start_connected_worker();
  auto script = start("echo here at last");
  ASSERT_TRUE(script->sees("No node can run the pod"));
  std::printf("%s\n", worker_->get("/metrics").second.c_str());
  embedded()->make_room_for(1);
  EXPECT_EQ(script->wait().exit_code, 0);
}

} // namespace cuttle::test
