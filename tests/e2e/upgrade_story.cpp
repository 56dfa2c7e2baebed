// The server upgrades the worker by a script that runs on it; and an upgrade
// while many operations run.

#include <fstream>
#include <mutex>
#include <sstream>

#include "tests/e2e/helm_stage.hpp"
#include "tests/folders.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;

const std::string scripts = "octopus.com/scriptTicketId";
const std::string worker = "agent.octopus.com/component=tentacle";

class UpgradeStory : public HelmStage {
protected:
  using clock = std::chrono::system_clock;

  void SetUp() override {
    // (what the server adds to a delay by its own pauses)
    poll_ceiling_ = 500ms;
    HelmStage::SetUp();
    if (IsSkipped() || HasFatalFailure())
      return;
    if (tools_image_.empty())
      GTEST_SKIP() << "there is no image with helm: ./dev e2e";
    for (std::string chart : {chart_folder(), stock_chart_folder()}) {
      auto packed = helm({"package", chart, "-d", folder_.string()});
      ASSERT_EQ(packed.code, 0) << packed.text;
    }
    for (auto& entry : std::filesystem::directory_iterator{folder_})
      if (entry.path().extension() == ".tgz") {
        auto name = entry.path().filename().string();
        auto own = name.starts_with("kubernetes-worker-");
        ASSERT_TRUE((own ? own_chart_ : foreign_chart_).empty()) << name;
        (own ? own_chart_ : foreign_chart_) = entry.path();
      }
    ASSERT_FALSE(own_chart_.empty());
    ASSERT_FALSE(foreign_chart_.empty());
  }

  /// What the server sends for an upgrade: a raw script under the upgrader's
  /// account, in an image with helm. The chart comes along as a file, because
  /// the cluster reaches no registry.
  running_script_ptr start_upgrade(const std::filesystem::path& chart,
                                   const std::string& options) {
    start_script command;
    command.raw = true;
    command.service_account = "octopus-agent-auto-upgrader";
    command.image.emplace();
    command.image->image = tools_image_;
    auto body = std::make_shared<stream_body>();
    std::ifstream file{chart, std::ios::binary};
    body->bytes.assign(std::istreambuf_iterator<char>{file}, {});
    body->length = static_cast<std::int64_t>(body->bytes.size());
    command.files.push_back({"chart.tgz", std::move(body), std::nullopt});
    command.script_body
      = "echo \"release $OCTOPUS__K8STENTACLE__HELMRELEASENAME\"\n"
        "helm version --short\n"
        "( n=0; while :; do n=$((n+1)); echo beat $n; sleep 0.2; done ) &\n"
        "helm upgrade --atomic --timeout 150s"
        " --namespace \"$OCTOPUS__K8STENTACLE__NAMESPACE\""
        " \"$OCTOPUS__K8STENTACLE__HELMRELEASENAME\" chart.tgz"
        " --reset-then-reuse-values "
        + options
        + "\n"
          "code=$?; kill %1; wait\n"
          "echo \"helm ended with $code\"\n"
          "helm list --namespace \"$OCTOPUS__K8STENTACLE__NAMESPACE\"\n"
          "echo finished; exit $code";
    return start(std::move(command));
  }

  /// Own lines of a script, each one once and in order: those that count up
  /// from 1.
  static void expect_counts(const sim::script_result& result,
                            const std::string& word, std::size_t least) {
    std::size_t next = 1;
    for (auto& line : result.lines)
      if (line.text.starts_with(word + " ")) {
        EXPECT_EQ(line.text, word + " " + std::to_string(next++));
      }
    EXPECT_GT(next, least) << word;
  }

  static std::size_t count(const sim::script_result& result,
                           const std::string& text) {
    std::size_t found = 0;
    for (auto& line : result.lines)
      found += line.text == text ? 1 : 0;
    return found;
  }

  /// What the worker says about an upgrade that was refused.
  static std::vector<std::string> refusals(const sim::script_result& result) {
    std::vector<std::string> found;
    for (auto& line : result.lines) {
      // Not a word of it comes from helm's own troubles with its home.
      EXPECT_EQ(line.text.find("permission denied"), std::string::npos)
        << line.text;
      if (line.text.starts_with("The upgrade was refused"))
        found.push_back(line.text);
    }
    return found;
  }

  static std::string time_text(clock::time_point when) {
    auto seconds = clock::to_time_t(when);
    std::tm fields{};
    gmtime_r(&seconds, &fields);
    char text[32];
    std::strftime(text, sizeof text, "%FT%TZ", &fields);
    return text;
  }

  static std::string text_of(const sim::script_result& result) {
    std::string text;
    for (auto& line : result.lines)
      text += line.text + "\n";
    return text;
  }

  std::string revision() {
    auto listed = helm({"list", "-o", "json"});
    auto releases = json::parse(listed.text, nullptr, false);
    if (!releases.is_array() || releases.size() != 1)
      return listed.text;
    return releases[0].value("revision", "") + " "
           + releases[0].value("status", "");
  }

  json worker_pods() {
    auto result = json::array();
    for (auto& pod : list("pods", worker))
      result.push_back(pod["metadata"]["uid"]);
    return result;
  }

  /// From now on delays are measured.
  void measure() {
    on_line_ = [this](const output_line& line) {
      if (!line.text.starts_with("tick "))
        return;
      std::lock_guard lock{mutex_};
      longest_ = std::max<std::chrono::nanoseconds>(
        longest_, clock::now() - line.occurred);
    };
    on_connection_ = [this](bool connected) {
      std::lock_guard lock{mutex_};
      if (!connected && connections_ == 0)
        left_ = clock::now();
      if (connected && connections_ == 1)
        back_ = clock::now();
    };
  }

  std::mutex mutex_;
  /// The longest way of a line from the script to the server.
  std::chrono::nanoseconds longest_{0};
  clock::time_point left_;
  clock::time_point back_;
  std::filesystem::path own_chart_;
  std::filesystem::path foreign_chart_;
};

} // namespace

TEST_F(UpgradeStory, TheServersScriptReplacesTheWorkerUnderItself_UPG04) {
  measure();
  ASSERT_NO_FATAL_FAILURE(install());
  ASSERT_NO_FATAL_FAILURE(connect());

  // With the rights that the account has by default it may look, no more.
  auto result = start_upgrade(own_chart_, "")->wait(120s);
  EXPECT_NE(result.exit_code, 0);
  EXPECT_EQ(count(result, "finished"), 1u);
  EXPECT_EQ(refusals(result),
            std::vector<std::string>{
              "The upgrade was refused and changed nothing: the account "
              "octopus-agent-auto-upgrader may only read; upgrade this worker "
              "with your "
              "own account and its chart kubernetes-worker, or set "
              "cuttle.autoUpgrader.rights to namespace."});
  EXPECT_EQ(revision(), "1 deployed");

  // With those of the namespace it may not bring a chart that wants more.
  const json rights{{"cuttle", {{"autoUpgrader", {{"rights", "namespace"}}}}}};
  auto before = worker_pods();
  auto given = upgrade(chart_folder(), rights);
  ASSERT_EQ(given.code, 0) << given.text;
  EXPECT_EQ(worker_pods(), before) << "other rights need no other worker";
  result = start_upgrade(foreign_chart_, "")->wait(120s);
  EXPECT_NE(result.exit_code, 0);
  EXPECT_EQ(
    refusals(result),
    std::vector<std::string>{
      "The upgrade was refused and changed nothing: this chart has objects "
      "outside of the worker's namespace, where the account "
      "octopus-agent-auto-upgrader has no rights; it is not this worker's "
      "chart, which is kubernetes-worker."});
  EXPECT_EQ(revision(), "2 deployed");
  EXPECT_EQ(worker_pods(), before);

  // Twenty operations, and the upgrade beside them.
  constexpr int operations = 20;
  std::vector<running_script_ptr> running;
  for (auto i = 0; i < operations; ++i)
    running.push_back(
      start("n=0; until [ -e \"$TentacleHome/go\" ]; do n=$((n+1)); "
            "echo tick $n; sleep 0.25; done; echo last; exit "
            + std::to_string(i)));
  for (auto& script : running)
    ASSERT_TRUE(script->sees("tick 2", 150s));
  // All of them have a link, also one whose runner dialled so late, on a
  // machine that twenty new pods keep busy, that its log was read first.
  EXPECT_TRUE(eventually(
    [&] { return metric("cuttle_runner_links") == operations; }, 60s))
    << metric("cuttle_runner_links").value_or(-1);
  {
    std::lock_guard lock{mutex_};
    longest_ = {};
  }
  before = worker_pods();
  ASSERT_EQ(before.size(), 1u);
  auto pods = follow_worker();
  auto told = [&](const std::string& what) {
    std::istringstream lines{pods->output()};
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with(what + " " + before[0].get<std::string>()))
        return line;
    return std::string{};
  };
  ASSERT_TRUE(eventually([&] { return !told("ADDED").empty(); }));
  result = start_upgrade(own_chart_, "--set agent.pollingConnectionCount=2")
             ->wait(240s);
  EXPECT_EQ(result.exit_code, 0) << text_of(result);
  EXPECT_EQ(result.trouble.code, errc::none) << result.trouble.text;
  for (auto* text : {"release shop", "helm ended with 0", "finished"})
    EXPECT_EQ(count(result, text), 1u) << text;
  EXPECT_EQ(refusals(result), std::vector<std::string>{});
  expect_counts(result, "beat", 5);
  EXPECT_EQ(revision(), "3 deployed");
  auto after = list("pods", worker);
  ASSERT_EQ(after.size(), 1u);
  EXPECT_NE(worker_pods(), before);
  // The old one has made room itself: its node had not yet reported its end.
  ASSERT_TRUE(eventually([&] { return !told("DELETED").empty(); }));
  EXPECT_NE(told("DELETED").find("running"), std::string::npos)
    << pods->output();
  // The runners have found the new worker.
  EXPECT_TRUE(eventually(
    [&] { return metric("cuttle_runner_links") == operations; }, 60s))
    << metric("cuttle_runner_links").value_or(-1);
  std::ofstream{home() / "go"};
  for (auto i = 0; i < operations; ++i) {
    auto ended = running[static_cast<std::size_t>(i)]->wait();
    EXPECT_EQ(ended.exit_code, i);
    EXPECT_EQ(ended.trouble.code, errc::none) << ended.trouble.text;
    EXPECT_EQ(count(ended, "last"), 1u);
    expect_counts(ended, "tick", 8);
  }
  // How long it took is the cluster's doing, most of all: it makes and starts a
  // pod with an init container.
  std::lock_guard lock{mutex_};
  auto report = [&](const char* what, std::chrono::nanoseconds length) {
    auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(length);
    std::printf("%s: %lld ms\n", what, static_cast<long long>(ms.count()));
  };
  report("longest delay of a line", longest_);
  report("the server was without a worker", back_ - left_);
  std::printf("  from %s until the new pod was made at %s\n",
              time_text(left_).c_str(),
              after[0]["metadata"]["creationTimestamp"].dump().c_str());
}

} // namespace cuttle::test
