// The worker is killed at random moments, again and again: ./dev kill-trial.
// CUTTLE_KILL_TRIALS says how often, CUTTLE_KILL_SEED plays the moments of an
// earlier run.

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <thread>

#include "infra/kubernetes/manifest.hpp"
#include "tests/program/link_stage.hpp"

namespace cuttle::test {

using namespace std::chrono_literals;
using strings = std::vector<std::string>;
namespace fs = std::filesystem;

namespace {

std::optional<unsigned> number_of(const char* variable) {
  auto* text = std::getenv(variable);
  unsigned result = 0;
  if (!text || *text == '\0')
    return std::nullopt;
  auto end = text + std::strlen(text);
  if (std::from_chars(text, end, result).ptr != end)
    throw std::invalid_argument{std::string{variable} + " is no number"};
  return result;
}

class KillTrial : public LinkStage {
protected:
  static constexpr unsigned trials_of_a_test_run = 10;

  // How soon the worker asks for a pod's deletion, and the cluster's own time
  // to take it away.
  static constexpr auto deletion_patience = 60s;
  static constexpr auto removal_patience = 120s;

  void SetUp() override {
    auto wanted = number_of("CUTTLE_KILL_TRIALS");
    if (!wanted && !real_cluster())
      GTEST_SKIP() << "is ./dev kill-trial, or a part of the end-to-end tests";
    trials_ = wanted.value_or(trials_of_a_test_run);
    seed_ = number_of("CUTTLE_KILL_SEED").value_or(std::random_device{}());
    linked_ = links_possible();
    linked_ ? LinkStage::SetUp() : Stage::SetUp();
  }

  /// With the runners' links where pods reach this machine.
  void start_trial_worker() {
    linked_ ? start_linked_worker() : start_connected_worker();
  }

  /// What there is after a script. A kill during CompleteScript, which the
  /// server sends once, leaves the rest to the cleaners [ORP-01] [WS-09].
  void expect_clean(const running_script& script, bool killed_in_completion) {
    auto workspace = home_ / "Work" / script.ticket.task_id;
    if (!killed_in_completion) {
      EXPECT_TRUE(eventually([&] { return cluster_->kept_pods().empty(); },
                             deletion_patience))
        << cluster_->describe_pods();
      EXPECT_TRUE(
        eventually([&] { return cluster_->pods().empty(); }, removal_patience))
        << cluster_->describe_pods();
      EXPECT_TRUE(eventually([&] { return !fs::exists(workspace); }));
      return;
    }
    for (auto& pod : cluster_->pods()) {
      EXPECT_EQ(pod, kubernetes::script_pod_name(script.ticket));
      cluster_->delete_pod(pod, 0);
    }
    EXPECT_TRUE(
      eventually([&] { return cluster_->pods().empty(); }, removal_patience))
      << cluster_->describe_pods();
    fs::remove_all(workspace);
  }

  static std::size_t lines_of(const fs::path& file) {
    std::ifstream in{file};
    std::size_t result = 0;
    for (std::string line; std::getline(in, line);)
      ++result;
    return result;
  }

  static strings counted(int last) {
    strings result;
    for (int i = 1; i <= last; ++i)
      result.push_back("line " + std::to_string(i));
    return result;
  }

  bool linked_ = false;
  unsigned trials_ = 0;
  unsigned seed_ = 0;
};

} // namespace

TEST_F(KillTrial, NothingIsLostAndNothingRunsTwice_RST01_RST02) {
  std::printf("%u kills, %s the runners' links, CUTTLE_KILL_SEED=%u\n", trials_,
              linked_ ? "with" : "without", seed_);
  std::mt19937 random{seed_};
  constexpr int lines = 20;
  // More than a kubelet keeps of a log whose size is limited to 1 MiB.
  constexpr int burst_lines = 30'000;
  start_trial_worker();
  for (unsigned n = 1; n <= trials_ && !HasFailure(); ++n) {
    std::uniform_int_distribution<int> moments{0, 3'000};
    std::uniform_int_distribution<int> kinds{0, 3};
    auto moment = std::chrono::milliseconds{moments(random)};
    auto kind = kinds(random);
    auto what = std::string{kind == 0   ? "normal"
                            : kind == 1 ? "raw"
                            : kind == 2 ? "cancelled"
                                        : "burst"};
    SCOPED_TRACE("trial " + std::to_string(n) + ", " + what
                 + ", CUTTLE_KILL_SEED=" + std::to_string(seed_));
    auto file = home_ / ("runs-" + std::to_string(n));
    start_script command;
    command.raw = kind == 1;
    command.arguments = {file.string()};
    command.script_body
      = kind == 2   ? "echo line 1\nsleep 600\necho never"
        : kind == 3 ? "echo ran >>\"$1\"\nseq -f 'line %.0f' 1 30000\nexit 7"
                    : "echo ran >>\"$1\"\n"
                      "for i in $(seq 1 20); do echo line $i; sleep 0.1; done\n"
                      "exit 7";
    auto script = start(std::move(command));
    if (kind == 2) {
      ASSERT_TRUE(script->sees("line 1", 120s));
      moment /= 25;
      server_->cancel(script->ticket);
    }
    std::this_thread::sleep_for(moment);
    auto before = script->complete();
    kill_worker();
    auto in_completion = script->complete();
    std::printf("  %u: %s, killed after %lld ms%s\n", n, what.c_str(),
                static_cast<long long>(moment.count()),
                before          ? ", after the end"
                : in_completion ? ", at the end"
                                : "");
    std::fflush(stdout);
    start_trial_worker();
    auto result = script->wait(150s);
    EXPECT_EQ(result.trouble.code, errc::none) << result.trouble.text;
    if (kind == 2) {
      EXPECT_TRUE(result.cancelled);
      EXPECT_NE(result.exit_code, 0);
      EXPECT_FALSE(has_line(result, "never"));
    } else {
      EXPECT_EQ(result.exit_code, 7);
      EXPECT_EQ(texts(result), counted(kind == 3 ? burst_lines : lines));
      // (what a raw script writes stays in its container on a real cluster)
      if (kind != 1 || embedded()) {
        EXPECT_EQ(lines_of(file), 1u);
      }
    }
    expect_clean(*script, in_completion);
  }
}

} // namespace cuttle::test
