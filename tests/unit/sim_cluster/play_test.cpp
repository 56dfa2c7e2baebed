// Played containers: for an API client they are as processes are.

#include <atomic>
#include <gtest/gtest.h>
#include <set>
#include <thread>

#include "client.hpp"

using namespace cuttle::sim;
using namespace cuttle::sim::test;
using cuttle::errc;
using cuttle::fail;
using cuttle::outcome;

namespace {

using std::chrono::milliseconds;

/// Prints "ready" and two numbers, and ends with 3; or, when it shall `hang`,
/// sleeps after "ready".
class counting_play final : public pod_play {
public:
  explicit counting_play(bool hang) : hang_(hang) {}

  std::optional<milliseconds> next() override {
    if (step_ == 3)
      return std::nullopt;
    return hang_ && step_ == 1 ? milliseconds{3'600'000} : milliseconds{1};
  }

  std::string print() override {
    return step_++ == 0 ? "ready\n" : std::to_string(step_) + '\n';
  }

  std::string interrupt() override {
    code_ = 5;
    step_ = 3;
    return "bye\n";
  }

  int exit_code() const override {
    return code_;
  }

private:
  const bool hang_;
  unsigned step_ = 0;
  int code_ = 3;
};

/// Says nothing and ends with 4 once it was woken.
class sleeping_play final : public pod_play {
public:
  void attend(std::function<void()> wake) override {
    alarm_ = std::jthread{[this, wake = std::move(wake)] {
      // (not before the cluster waits)
      while (!asleep_)
        std::this_thread::yield();
      woken_ = true;
      wake();
    }};
  }

  std::optional<milliseconds> next() override {
    if (woken_)
      return std::nullopt;
    asleep_ = true;
    return until_woken;
  }

  std::string print() override {
    return "never\n";
  }

  std::string interrupt() override {
    return {};
  }

  int exit_code() const override {
    return 4;
  }

private:
  std::atomic<bool> asleep_ = false;
  std::atomic<bool> woken_ = false;
  std::jthread alarm_;
};

// The script names what is to be played.
outcome<std::unique_ptr<pod_play>> play(const process_spec& container) {
  auto& script = container.arguments.back();
  if (script == "broken")
    return fail(errc::not_found, "nothing to play");
  if (script == "sleep")
    return std::make_unique<sleeping_play>();
  return std::make_unique<counting_play>(script == "hang");
}

embedded_cluster::options played() {
  auto result = quick();
  result.player = play;
  return result;
}

bool ended(const nlohmann::json& pod) {
  return !state(pod, "terminated").is_null();
}

TEST(ClusterPlay, GivesLogAndExitCodeAsAProcessDoes) {
  running k{played()};
  watch pods{k.at, "pods"};
  create(k.at, script_pod("p", "count"));
  auto pod = pods.pod("p", ended);
  EXPECT_EQ(state(pod, "terminated")["exitCode"], 3);
  EXPECT_EQ(state(pod, "terminated")["reason"], "Error");
  EXPECT_TRUE(in_phase(pod, "Failed"));
  EXPECT_EQ(call(k.at, "GET", k.at.path("pods/p/log")).body, "ready\n2\n3\n");
}

TEST(ClusterPlay, EndsAfterTheSignalOfADeletion) {
  running k{played()};
  watch pods{k.at, "pods"};
  create(k.at, script_pod("p", "hang"));
  ASSERT_TRUE(
    pods.pod("p", [](auto& x) { return !state(x, "running").is_null(); })
      .is_object());
  stream log{k.at, k.at.path("pods/p/log?follow=true")};
  ASSERT_TRUE(log.wait(
    [](const std::string& text) { return text.find("ready") != text.npos; }));
  EXPECT_EQ(call(k.at, "DELETE", k.at.path("pods/p")).status, 200);
  auto pod = pods.pod("p", ended);
  EXPECT_EQ(state(pod, "terminated")["exitCode"], 5);
  ASSERT_TRUE(log.wait_end());
  EXPECT_EQ(log.text(), "ready\nbye\n");
}

TEST(ClusterPlay, WaitsUntilItIsWoken) {
  running k{played()};
  watch pods{k.at, "pods"};
  create(k.at, script_pod("p", "sleep"));
  auto pod = pods.pod("p", ended);
  EXPECT_EQ(state(pod, "terminated")["exitCode"], 4);
  EXPECT_EQ(call(k.at, "GET", k.at.path("pods/p/log")).body, "");
}

TEST(ClusterPlay, IsKilledWithoutGrace) {
  running k{played()};
  watch pods{k.at, "pods"};
  create(k.at, script_pod("p", "hang"));
  ASSERT_TRUE(
    pods.pod("p", [](auto& x) { return !state(x, "running").is_null(); })
      .is_object());
  call(k.at, "DELETE", k.at.path("pods/p?gracePeriodSeconds=0"));
  EXPECT_TRUE(pods.until([](auto& event) { return event["type"] == "DELETED"; })
                .is_object());
}

TEST(ClusterPlay, SaysWhyAContainerCanNotStart) {
  running k{played()};
  watch pods{k.at, "pods"};
  create(k.at, script_pod("p", "broken"));
  auto pod = pods.pod("p", ended);
  auto over = state(pod, "terminated");
  EXPECT_EQ(over["reason"], "StartError");
  EXPECT_NE(over["message"].get<std::string>().find("nothing to play"),
            std::string::npos);
}

TEST(ClusterPlay, CarriesHundredsOfPodsAtATime) {
  auto options = played();
  options.processes = 1'000;
  std::atomic<int> created = 0;
  options.on_pod = [&](const std::string&, auto) { ++created; };
  running k{options};
  watch pods{k.at, "pods"};
  constexpr int count = 300;
  for (int i = 0; i < count; ++i)
    create(k.at, script_pod("p" + std::to_string(i), "count"));
  std::set<std::string> over;
  pods.until([&](const nlohmann::json& event) {
    if (ended(event["object"]))
      over.insert(event["object"]["metadata"]["name"]);
    return over.size() == count;
  });
  EXPECT_EQ(over.size(), std::size_t{count});
  EXPECT_EQ(created, count);
}

} // namespace
