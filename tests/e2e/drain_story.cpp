// A node is drained while scripts run on it.

#include <fstream>

#include "tests/e2e/helm_stage.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;

const std::string scripts = "octopus.com/scriptTicketId";
const std::string worker = "agent.octopus.com/component=tentacle";

class DrainStory : public HelmStage {
protected:
  void TearDown() override {
    if (!node_.empty())
      kubectl({"uncordon", node_});
    HelmStage::TearDown();
  }

  // As an administrator does it, limited to some pods of the namespace: the
  // test cluster has one node, on which others run as well.
  command_result drain(const std::string& selector, const char* patience) {
    return kubectl({"drain", node_, "--pod-selector=" + selector, "--force",
                    "--ignore-daemonsets", "--delete-emptydir-data",
                    std::string{"--timeout="} + patience});
  }

  bool there(const running_script_ptr& script) {
    return !list("pods", scripts + "=" + script->ticket.task_id).empty();
  }

  // `there` for those that hang or are gone in a moment.
  bool goes(const running_script_ptr& script) {
    return eventually([&] { return !there(script); }, 60s);
  }

  std::string node_;
};

void expect_lines(const sim::script_result& result) {
  std::size_t next = 1;
  for (auto& line : result.lines)
    if (line.text.starts_with("line ")) {
      EXPECT_EQ(line.text, "line " + std::to_string(next++));
    }
  EXPECT_GT(next, 5u);
}

} // namespace

TEST_F(DrainStory, WaitsForRunningScriptsAndForNothingElse_CHT16) {
  ASSERT_NO_FATAL_FAILURE(
    install({{"agent", {{"debug", {{"disableAutoPodCleanup", true}}}}}}));
  ASSERT_NO_FATAL_FAILURE(connect());

  // One that has ended and whose pod is kept, one that can not start, one that
  // runs.
  auto ended = start("echo done");
  EXPECT_EQ(ended->wait(150s).exit_code, 0);
  start_script nowhere;
  nowhere.script_body = "echo never";
  nowhere.image.emplace();
  nowhere.image->image = "localhost/no-such:image";
  auto pending = start(std::move(nowhere));
  auto running = start("n=0; until [ -e \"$TentacleHome/go\" ]; do n=$((n+1)); "
                       "echo line $n; sleep 0.2; done; exit 7");
  ASSERT_TRUE(running->sees("line 3", 150s));
  ASSERT_TRUE(eventually([&] { return there(pending); }, 60s));
  ASSERT_TRUE(there(ended)) << "the finished pod is not kept";
  auto pod = list("pods", scripts + "=" + running->ticket.task_id);
  ASSERT_EQ(pod.size(), 1u);
  node_ = pod[0]["spec"]["nodeName"].get<std::string>();

  auto refused = drain(scripts, "12s");
  EXPECT_NE(refused.code, 0) << refused.text;
  EXPECT_NE(refused.text.find("disruption budget"), std::string::npos)
    << refused.text;
  EXPECT_TRUE(there(running));
  EXPECT_TRUE(goes(ended)) << refused.text;
  EXPECT_TRUE(goes(pending)) << refused.text;
  // What was evicted before it began has not succeeded.
  auto lost = pending->wait(90s);
  EXPECT_TRUE(lost.exit_code != 0 || lost.trouble.code != errc::none);

  std::ofstream{home() / "go"};
  auto result = running->wait();
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(result.trouble.code, errc::none) << result.trouble.text;
  expect_lines(result);
  auto through = drain(scripts, "60s");
  EXPECT_EQ(through.code, 0) << through.text;
  EXPECT_TRUE(list("pods", scripts).empty());
}

TEST_F(DrainStory, TakesTheWorkerAtOnceAndLosesNoLine_CHT16) {
  ASSERT_NO_FATAL_FAILURE(install());
  ASSERT_NO_FATAL_FAILURE(connect());
  auto running = start("n=0; until [ -e \"$TentacleHome/go\" ]; do n=$((n+1)); "
                       "echo line $n; sleep 0.2; done; exit 7");
  ASSERT_TRUE(running->sees("line 3", 150s));
  auto pods = list("pods", worker);
  ASSERT_EQ(pods.size(), 1u);
  node_ = pods[0]["spec"]["nodeName"].get<std::string>();
  auto was = pods[0]["metadata"]["uid"];
  auto drained = drain(worker, "60s");
  EXPECT_EQ(drained.code, 0) << drained.text;
  EXPECT_TRUE(eventually([&] { return connections_ == 0; }, 30s));
  // Its successor finds no node until there is one again.
  auto open = kubectl({"uncordon", node_});
  EXPECT_EQ(open.code, 0) << open.text;
  ASSERT_NO_FATAL_FAILURE(connect());
  pods = list("pods", worker);
  ASSERT_EQ(pods.size(), 1u);
  EXPECT_NE(pods[0]["metadata"]["uid"], was);
  std::ofstream{home() / "go"};
  auto result = running->wait();
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(result.trouble.code, errc::none) << result.trouble.text;
  expect_lines(result);
}

} // namespace cuttle::test
