// The worker is killed at each call that an operation makes to the cluster,
// just before the call has an effect and just after it: nothing is lost,
// nothing runs twice, nothing stays. (The same at each message between actors
// is tests/actor/recovery_test.cpp.)

#include <algorithm>
#include <csignal>
#include <fstream>

#include "infra/kubernetes/manifest.hpp"
#include "tests/program/stage.hpp"

namespace cuttle::test {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;
namespace fs = std::filesystem;

namespace {

enum class moment { before, after };

class Kills : public EmbeddedStage {
protected:
  /// A worker that has made its first calls, and knows nothing yet.
  void start_fresh_worker(const std::map<std::string, std::string>& environment
                          = {}) {
    if (worker_) {
      worker_->process().signal(SIGKILL);
      ASSERT_TRUE(worker_->process().wait(10s));
      ASSERT_TRUE(eventually([this] { return connections_ == 0; }));
    }
    auto before = embedded()->calls().size();
    start_connected_worker(environment);
    auto made = [&](const char* call) {
      auto calls = embedded()->calls();
      return std::count(calls.begin() + static_cast<std::ptrdiff_t>(before),
                        calls.end(), call)
             > 0;
    };
    ASSERT_TRUE(eventually([&] {
      return made("watch pods") && made("watch events") && made("get version");
    }))
      << ::testing::PrintToString(embedded()->calls());
  }

  /// Kills the worker at its n-th call from now.
  void arm(unsigned n, moment when) {
    hit_ = false;
    auto pid = worker_->process().id();
    embedded()->break_at(n, when == moment::after,
                         [this, pid](const std::string& call) {
                           ::kill(pid, SIGKILL);
                           std::lock_guard lock{mutex_};
                           call_ = call;
                           hit_ = true;
                         });
  }

  /// Starts another worker once the armed kill has happened; false when the
  /// script ended first.
  bool revive(running_script& script) {
    eventually([&] { return hit_ || script.ended(); }, 60s);
    if (!hit_)
      return false;
    EXPECT_EQ(worker_->process().wait(10s), 128 + SIGKILL);
    EXPECT_TRUE(eventually([this] { return connections_ == 0; }));
    start_connected_worker();
    return true;
  }

  std::string where() {
    std::lock_guard lock{mutex_};
    return "killed at '" + call_ + "'";
  }

  /// What a completed script leaves: nothing.
  void expect_nothing_left(const running_script& script, bool killed) {
    auto workspace = home_ / "Work" / script.ticket.task_id;
    if (killed && call_is("delete pods"))
      clean_up_after(script, workspace);
    EXPECT_TRUE(eventually([this] { return embedded()->pods().empty(); }));
    EXPECT_TRUE(eventually([&] { return !fs::exists(workspace); }, 60s));
    // Those of feeds stay, one for each [SEC-05].
    for (auto& name : embedded()->names("secrets"))
      EXPECT_TRUE(name == "tentacle-secret"
                  || name.starts_with("octopus-feed-cred-"))
        << name;
  }

  /// The server sends CompleteScript once [RPC-14]: what a worker that was
  /// killed during it leaves is for the cleaners of its successor. The pod is
  /// known to it, so that it is an orphan after its time [ORP-01]; the
  /// workspace is stale after a day [WS-09], which is over at once here.
  void clean_up_after(const running_script& script, const fs::path& workspace) {
    auto pods = embedded()->pods();
    if (!pods.empty()) {
      EXPECT_EQ(pods, strings{kubernetes::script_pod_name(script.ticket)});
      EXPECT_TRUE(worker_->logged("operation-adopted", pods.front()));
      embedded()->delete_pod(pods.front(), 0s);
      EXPECT_TRUE(eventually([this] { return embedded()->pods().empty(); }));
    }
    // (a removal that has begun is not broken off)
    if (eventually([&] { return !fs::exists(workspace); }, 2s))
      return;
    for (auto& file : fs::directory_iterator{workspace})
      fs::last_write_time(file, fs::file_time_type::clock::now() - 48h);
    start_fresh_worker();
  }

  /// Times that a script noted its run.
  std::size_t runs(const fs::path& file) {
    std::ifstream in{file};
    std::size_t result = 0;
    for (std::string line; std::getline(in, line);)
      ++result;
    return result;
  }

  /// Runs a script again and again, each time with the worker killed at the
  /// next of its calls, until it makes no more of them.
  void kill_at_each_call(start_script command, moment when) {
    for (unsigned n = 1;; ++n) {
      ASSERT_LT(n, 30u) << "calls without end";
      start_fresh_worker();
      auto file = home_ / ("runs-" + std::to_string(n));
      auto next = command;
      next.arguments = {file.string()};
      next.script_body
        = "echo ran >>\"$1\"\nfor i in 1 2 3 4 5; do echo line $i; done\n"
          "sleep 0.2\necho end\nexit 7";
      if (next.image)
        next.image->feed_username = "user" + std::to_string(n);
      arm(n, when);
      auto script = start(std::move(next));
      auto killed = revive(*script);
      auto result = script->wait();
      SCOPED_TRACE(killed ? where() : "not killed");
      EXPECT_EQ(result.trouble.code, errc::none) << result.trouble.text;
      EXPECT_EQ(result.exit_code, 7);
      EXPECT_EQ(texts(result), (strings{"line 1", "line 2", "line 3", "line 4",
                                        "line 5", "end"}));
      EXPECT_EQ(runs(file), 1u);
      expect_nothing_left(*script, killed);
      if (!killed) {
        EXPECT_GT(n, 4u) << "template, creation, log, deletion";
        embedded()->break_at(0, false, {});
        return;
      }
      if (HasFailure())
        return;
    }
  }

  /// The same from the user's cancellation on.
  void kill_at_each_call_of_a_cancellation(moment when) {
    for (unsigned n = 1;; ++n) {
      ASSERT_LT(n, 30u) << "calls without end";
      start_fresh_worker();
      auto file = home_ / ("runs-" + std::to_string(n));
      auto script = start("echo ran >>\"$1\"\necho begin\nsleep 600\n"
                          "echo never",
                          {file.string()});
      ASSERT_TRUE(script->sees("begin"));
      arm(n, when);
      server_->cancel(script->ticket);
      auto killed = revive(*script);
      auto result = script->wait();
      SCOPED_TRACE(killed ? where() : "not killed");
      EXPECT_TRUE(result.cancelled);
      EXPECT_NE(result.exit_code, 0);
      EXPECT_TRUE(has_line(result, "begin"));
      EXPECT_FALSE(has_line(result, "never"));
      EXPECT_EQ(runs(file), 1u);
      expect_nothing_left(*script, killed);
      if (!killed) {
        EXPECT_GT(n, 1u) << "the deletion";
        embedded()->break_at(0, false, {});
        return;
      }
      if (HasFailure())
        return;
    }
  }

  /// The same from the turn of a script that has waited for another one.
  void kill_at_each_call_of_a_queued_script(moment when) {
    strings hits;
    for (unsigned n = 1;; ++n) {
      ASSERT_LT(n, 30u) << "calls without end";
      start_fresh_worker({{"CUTTLE_OPERATIONS_LIMIT", "1"}});
      auto gate = home_ / ("gate-" + std::to_string(n));
      auto blocker
        = start("echo begin; while [ ! -e \"$1\" ]; do sleep 0.1; done",
                {gate.string()});
      ASSERT_TRUE(blocker->sees("begin"));
      auto file = home_ / ("runs-" + std::to_string(n));
      auto script
        = start("echo ran >>\"$1\"; echo out; exit 7", {file.string()});
      ASSERT_TRUE(script->sees("at place 1 of 1"));
      arm(n, when);
      std::ofstream{gate} << "x";
      // (the next worker takes two: a completion of the first one that was lost
      // holds its place)
      auto killed = revive(*script);
      SCOPED_TRACE(killed ? where() : "not killed");
      if (killed)
        hits.push_back(where());
      auto result = script->wait();
      EXPECT_EQ(result.trouble.code, errc::none) << result.trouble.text;
      EXPECT_EQ(result.exit_code, 7);
      EXPECT_EQ(texts(result), strings{"out"});
      EXPECT_EQ(runs(file), 1u);
      EXPECT_EQ(blocker->wait().exit_code, 0);
      if (killed)
        embedded()->delete_pod(kubernetes::script_pod_name(blocker->ticket),
                               0s);
      expect_nothing_left(*script, killed);
      std::error_code error;
      EXPECT_TRUE(fs::is_empty(home_ / ".cuttle" / "queue", error));
      if (!killed) {
        EXPECT_TRUE(std::any_of(
          hits.begin(), hits.end(),
          [](auto& x) { return x.find("create pods") != std::string::npos; }))
          << ::testing::PrintToString(hits);
        embedded()->break_at(0, false, {});
        return;
      }
      if (HasFailure())
        return;
    }
  }

  start_script normal() {
    start_script result;
    result.image = pod_image{cluster_->image(), "https://registry.example.com",
                             "user", "word"};
    return result;
  }

  start_script raw() {
    start_script result;
    result.raw = true;
    return result;
  }

private:
  bool call_is(const std::string& begin) {
    std::lock_guard lock{mutex_};
    return call_.starts_with(begin);
  }

  std::atomic<bool> hit_ = false;
  std::mutex mutex_;
  std::string call_;
};

} // namespace

TEST_F(Kills, BeforeACallOfANormalScriptDoNoHarm_RST01_RST02) {
  kill_at_each_call(normal(), moment::before);
}

TEST_F(Kills, AfterACallOfANormalScriptDoNoHarm_RST01_RST02) {
  kill_at_each_call(normal(), moment::after);
}

TEST_F(Kills, BeforeACallOfARawScriptDoNoHarm_RST01_RST02) {
  kill_at_each_call(raw(), moment::before);
}

TEST_F(Kills, AfterACallOfARawScriptDoNoHarm_RST01_RST02) {
  kill_at_each_call(raw(), moment::after);
}

TEST_F(Kills, BeforeACallOfAQueuedScriptDoNoHarm_RST01_RST02) {
  kill_at_each_call_of_a_queued_script(moment::before);
}

TEST_F(Kills, AfterACallOfAQueuedScriptDoNoHarm_RST01_RST02) {
  kill_at_each_call_of_a_queued_script(moment::after);
}

TEST_F(Kills, BeforeACallOfACancellationDoNoHarm_RST03) {
  kill_at_each_call_of_a_cancellation(moment::before);
}

TEST_F(Kills, AfterACallOfACancellationDoNoHarm_RST03) {
  kill_at_each_call_of_a_cancellation(moment::after);
}

} // namespace cuttle::test
