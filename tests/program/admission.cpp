// More scripts than the worker, the API server or the namespace takes at a
// time: they wait, say so, take turns, and each runs once, also when the worker
// is killed meanwhile.

#include <algorithm>
#include <csignal>
#include <fstream>

#include "tests/program/stage.hpp"

namespace cuttle::test {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;
namespace fs = std::filesystem;

namespace {

class Admission : public Stage {
protected:
  void SetUp() override {
    // The server asks soon, so that a turn does not wait for its question.
    poll_ceiling_ = 500ms;
    Stage::SetUp();
  }

  void kill_worker() {
    worker_->process().signal(SIGKILL);
    ASSERT_TRUE(worker_->process().wait(10s));
    ASSERT_TRUE(eventually([this] { return connections_ == 0; }));
  }

  /// A script that notes its run and says its name.
  running_script_ptr start_named(const std::string& name,
                                 const std::string& project = "p") {
    start_script command;
    command.script_body = "echo \"$1\" >>\"$2\"; echo \"this is $1\"";
    command.arguments = {name, (home_ / "order").string()};
    command.auth = auth_context{"default", project, {}, "test", {}, "step"};
    return start(std::move(command));
  }

  /// Runs until the file is there.
  running_script_ptr start_blocker() {
    auto script = start("echo begin; while [ ! -e \"$1\" ]; do sleep 0.1; done",
                        {release().string()});
    EXPECT_TRUE(script->sees("begin", 120s));
    return script;
  }

  fs::path release() const {
    return home_ / "release";
  }

  void let_go() {
    std::ofstream{release()} << "x";
  }

  /// Names in the order in which the scripts ran.
  strings order() const {
    strings result;
    std::ifstream in{home_ / "order"};
    for (std::string line; std::getline(in, line);)
      result.push_back(line);
    return result;
  }

  std::size_t requests() const {
    std::error_code error;
    std::size_t result = 0;
    for (auto& x : fs::directory_iterator{home_ / ".cuttle" / "queue", error})
      result += x.path().extension() == ".request" ? 1 : 0;
    return result;
  }

  void expect_nothing_left() {
    EXPECT_TRUE(eventually([this] { return cluster_->pods().empty(); }, 120s));
    EXPECT_TRUE(eventually([this] { return requests() == 0; }));
    EXPECT_TRUE(eventually([this] {
      std::error_code error;
      return fs::is_empty(home_ / "Work", error);
    }));
  }

  double metric(const std::string& name) {
    auto body = "\n" + worker_->get("/metrics").second;
    auto at = body.find("\n" + name + " ");
    return at == std::string::npos
             ? -1
             : std::stod(body.substr(at + name.size() + 2));
  }

  std::size_t calls(const std::string& begin) {
    auto all = embedded()->calls();
    return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(),
                    [&](const auto& x) { return x.starts_with(begin); }));
  }
};

} // namespace

TEST_F(Admission, ScriptsBeyondTheLimitRunOneAfterTheOtherInTurns) {
  start_connected_worker({{"CUTTLE_OPERATIONS_LIMIT", "1"}});
  auto blocker = start_blocker();
  std::vector<running_script_ptr> flood;
  for (int i = 0; i < 6; ++i) {
    flood.push_back(start_named("flood-" + std::to_string(i), "flood"));
    ASSERT_TRUE(flood.back()->sees("CUTTLE_OPERATIONS_LIMIT"));
  }
  auto other = start_named("other", "another");
  ASSERT_TRUE(other->sees("1 of 1 operations run"));
  EXPECT_TRUE(other->has("at place 2 of 7"));
  EXPECT_EQ(metric("cuttle_queue_length"), 7);
  EXPECT_EQ(requests(), 7u);
  let_go();
  EXPECT_EQ(blocker->wait().exit_code, 0);
  auto result = other->wait(120s);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(texts(result), strings{"this is other"});
  for (auto& script : flood)
    EXPECT_EQ(script->wait(120s).exit_code, 0);
  EXPECT_EQ(order(), (strings{"flood-0", "other", "flood-1", "flood-2",
                              "flood-3", "flood-4", "flood-5"}));
  EXPECT_EQ(metric("cuttle_queue_length"), 0);
  expect_nothing_left();
}

TEST_F(Admission, AWorkerThatIsKilledAgainAndAgainRunsEachOnceInOrder_RST01) {
  std::map<std::string, std::string> limit{{"CUTTLE_OPERATIONS_LIMIT", "1"}};
  start_connected_worker(limit);
  auto blocker = start_blocker();
  strings names;
  std::vector<running_script_ptr> scripts;
  for (int i = 0; i < 4; ++i) {
    names.push_back("script-" + std::to_string(i));
    start_script command;
    command.script_body = "echo \"$1\" >>\"$2\"; echo \"this is $1\"; "
                          "while [ ! -e \"$3\" ]; do sleep 0.1; done";
    command.arguments = {names.back(), (home_ / "order").string(),
                         (home_ / names.back()).string()};
    scripts.push_back(start(std::move(command)));
    ASSERT_TRUE(scripts.back()->sees("CUTTLE_OPERATIONS_LIMIT"));
  }
  kill_worker();
  start_connected_worker(limit);
  EXPECT_TRUE(
    eventually([this] { return metric("cuttle_queue_length") == 4; }));
  let_go();
  EXPECT_EQ(blocker->wait(120s).exit_code, 0);
  for (std::size_t i = 0; i < scripts.size(); ++i) {
    ASSERT_TRUE(scripts[i]->sees("this is " + names[i], 120s));
    kill_worker();
    start_connected_worker(limit);
    EXPECT_TRUE(eventually([&] {
      return metric("cuttle_queue_length")
             == static_cast<double>(scripts.size() - i - 1);
    }));
    std::ofstream{home_ / names[i]} << "x";
    auto result = scripts[i]->wait(120s);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(texts(result), strings{"this is " + names[i]});
  }
  EXPECT_EQ(order(), names);
  expect_nothing_left();
}

TEST_F(Admission, AQueuedScriptIsCancelledAtOnceAndLeavesNothing_RPC11_SVC35) {
  start_connected_worker({{"CUTTLE_OPERATIONS_LIMIT", "1"}});
  auto blocker = start_blocker();
  auto script = start_named("never");
  ASSERT_TRUE(script->sees("at place 1 of 1"));
  server_->cancel(script->ticket);
  auto result = script->wait();
  EXPECT_TRUE(result.cancelled);
  EXPECT_EQ(result.exit_code, exit_cancelled);
  EXPECT_EQ(requests(), 0u);
  let_go();
  EXPECT_EQ(blocker->wait().exit_code, 0);
  EXPECT_TRUE(order().empty());
  expect_nothing_left();
}

TEST_F(Admission, ARawScriptWaitsOnTheVolumeAsWell_RAW01) {
  start_connected_worker({{"CUTTLE_OPERATIONS_LIMIT", "1"}});
  auto blocker = start_blocker();
  start_script command;
  command.raw = true;
  command.script_body = "echo raw \"$1\"";
  command.arguments = {"word"};
  auto body = std::make_shared<stream_body>();
  body->bytes = "x";
  body->length = 1;
  command.files.push_back({"file.txt", body, {}});
  auto script = start(std::move(command));
  ASSERT_TRUE(script->sees("at place 1 of 1", 60s));
  kill_worker();
  start_connected_worker({{"CUTTLE_OPERATIONS_LIMIT", "1"}});
  let_go();
  EXPECT_EQ(blocker->wait(120s).exit_code, 0);
  auto result = script->wait(120s);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(texts(result), strings{"raw word"});
  expect_nothing_left();
}

TEST_F(Admission, AHundredCreationsFindTheLimitOfABusyApiServer) {
  if (!embedded())
    GTEST_SKIP() << "played by the embedded cluster";
  constexpr std::size_t scripts = 100;
  start_connected_worker({{"CUTTLE_POLLING_CONNECTIONS_MAX", "100"},
                          {"CUTTLE_API_REQUESTS_LIMIT", "100"},
                          {"CUTTLE_CREATIONS_LIMIT", "100"}});
  ASSERT_EQ(run("echo warm").exit_code, 0);
  auto before = calls("create pods");
  // Calls overlap, and four at a time are taken.
  embedded()->slow_down(20ms);
  embedded()->take_at_most("create", "pods", 4);
  std::vector<running_script_ptr> started;
  for (std::size_t i = 0; i < scripts; ++i)
    started.push_back(start_named(std::to_string(i)));
  std::size_t told = 0;
  for (auto& script : started) {
    auto result = script->wait(150s);
    EXPECT_EQ(result.exit_code, 0) << result.trouble.text;
    EXPECT_EQ(result.failed_calls, 0u);
    EXPECT_LT(result.longest_status, 20s);
    told += has_line(result, "too much to do") ? 1 : 0;
  }
  auto ran = order();
  std::sort(ran.begin(), ran.end());
  EXPECT_EQ(std::unique(ran.begin(), ran.end()), ran.end()) << "one ran twice";
  EXPECT_EQ(ran.size(), scripts);
  auto made = calls("create pods") - before;
  RecordProperty("create_calls", static_cast<int>(made));
  EXPECT_GT(made, scripts) << "nothing was refused";
  EXPECT_LE(made, 3 * scripts);
  EXPECT_GT(told, 0u);
  EXPECT_GT(metric("cuttle_creations_refused_total{cause=\"busy\"}"), 0);
  EXPECT_LT(metric("cuttle_creations_window"), 60);
  expect_nothing_left();
}

TEST_F(Admission, ANamespaceQuotaWithoutRoomIsToldAndWaitedFor) {
  start_connected_worker(
    {{"OCTOPUS__K8STENTACLE__PENDINGPODSSTUCKAFTERMINUTES", "45"}});
  cluster_->set_pod_quota(1);
  auto blocker = start_blocker();
  auto script = start_named("second");
  ASSERT_TRUE(script->sees("resource quota 'scripts'", 60s));
  EXPECT_TRUE(script->has("asks for pods=1"));
  EXPECT_TRUE(script->has("in use are pods=1"));
  EXPECT_TRUE(script->has("allows pods=1"));
  EXPECT_TRUE(script->has("within 45 minutes"));
  EXPECT_EQ(metric("cuttle_quota_waiting"), 1);
  // One that is cancelled meanwhile ends at once.
  auto third = start_named("third");
  ASSERT_TRUE(third->sees("at place 2 of 2", 60s));
  server_->cancel(third->ticket);
  EXPECT_EQ(third->wait(60s).exit_code, exit_cancelled);
  EXPECT_TRUE(order().empty());
  // A new worker goes on waiting.
  kill_worker();
  start_connected_worker();
  ASSERT_TRUE(
    eventually([this] { return metric("cuttle_quota_waiting") == 1; }, 60s));
  let_go();
  EXPECT_EQ(blocker->wait(120s).exit_code, 0);
  auto result = script->wait(180s);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(texts(result), strings{"this is second"});
  EXPECT_EQ(order(), strings{"second"});
  expect_nothing_left();
}

} // namespace cuttle::test
