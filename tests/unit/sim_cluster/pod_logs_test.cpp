// The log subresource.

#include <fstream>
#include <gtest/gtest.h>

#include "client.hpp"

using namespace cuttle::sim;
using namespace cuttle::sim::test;

namespace {

bool ended(const nlohmann::json& pod) {
  return !state(pod, "terminated").is_null();
}

void wait_ended(const api_access& at, const std::string& name) {
  watch pods{at, "pods"};
  ASSERT_TRUE(pods.pod(name, ended).is_object());
}

void wait_running(const api_access& at, const std::string& name) {
  watch pods{at, "pods"};
  ASSERT_TRUE(
    pods
      .pod(name,
           [](const auto& x) { return in_phase(x, "Running") || ended(x); })
      .is_object());
}

/// Memory of this program that is in RAM, in bytes.
std::size_t resident() {
  std::ifstream file{"/proc/self/statm"};
  std::size_t total = 0, pages = 0;
  file >> total >> pages;
  return pages * 4096;
}

/// Creates a fifo for a script that waits for a word of the test.
struct gate {
  gate() {
    auto pattern
      = (std::filesystem::temp_directory_path() / "cuttle-gate-XXXXXX")
          .string();
    folder = mkdtemp(pattern.data());
  }
  ~gate() {
    std::filesystem::remove_all(folder);
  }
  gate(const gate&) = delete;
  gate& operator=(const gate&) = delete;
  /// What a script does to wait.
  std::string wait() const {
    return "while [ ! -e " + (folder / "open").string()
           + " ]; do sleep 0.01; done";
  }
  void open() const {
    std::ofstream{folder / "open"};
  }
  std::filesystem::path folder;
};

TEST(ClusterPodLog, IsFollowedToTheEnd) {
  running k;
  gate next;
  create(k.at, script_pod("p", "echo one; " + next.wait() + "; echo two"));
  wait_running(k.at, "p");
  stream log{k.at, k.at.path("pods/p/log?container=p&follow=true")};
  ASSERT_TRUE(log.wait([](const auto& text) { return text == "one\n"; }));
  next.open();
  ASSERT_TRUE(log.wait_end());
  EXPECT_TRUE(log.complete());
  EXPECT_EQ(log.text(), "one\ntwo\n");
}

TEST(ClusterPodLog, StartsEachLineWithItsTime_LOG01) {
  running k;
  create(k.at, script_pod("p", "echo one; echo two"));
  wait_ended(k.at, "p");
  auto text = call(k.at, "GET", k.at.path("pods/p/log?timestamps=true")).body;
  ASSERT_EQ(text.size(), 2 * (31 + 4u)) << text;
  EXPECT_EQ(text.substr(29, 6), "Z one\n");
  EXPECT_EQ(text.substr(64), "Z two\n");
}

TEST(ClusterPodLog, LeavesOutWhatIsOlder_LOG04) {
  running k;
  create(k.at, script_pod("p", "echo one"));
  wait_ended(k.at, "p");
  auto since = [&](const char* time) {
    return call(k.at, "GET",
                k.at.path(std::string{"pods/p/log?sinceTime="} + time));
  };
  EXPECT_EQ(since("2020-01-01T00%3A00%3A00.5Z").body, "one\n");
  EXPECT_EQ(since("2999-01-01T00%3A00%3A00Z").body, "");
  EXPECT_EQ(since("yesterday").status, 400);
}

TEST(ClusterPodLog, IsNotThereWhileTheContainerWaits_LOG02) {
  auto options = quick();
  options.pull_delay = std::chrono::hours{1};
  running k{options};
  watch pods{k.at, "pods"};
  create(k.at, script_pod("p", "true"));
  ASSERT_TRUE(
    pods.pod("p", [](const auto& x) { return !state(x, "waiting").is_null(); })
      .is_object());
  auto log = call(k.at, "GET", k.at.path("pods/p/log"));
  EXPECT_EQ(log.status, 400);
  EXPECT_EQ(log.message(), "container \"p\" in pod \"p\" is waiting to start: "
                           "ContainerCreating");
  EXPECT_EQ(call(k.at, "GET", k.at.path("pods/none/log")).status, 404);
}

TEST(ClusterPodLog, JoinsTheLinesThatTheRuntimeStoresInParts_LOG09) {
  running k;
  create(k.at, script_pod("p", "head -c 100000 /dev/zero | tr '\\0' x; echo; "
                               "echo end"));
  wait_ended(k.at, "p");
  auto text = call(k.at, "GET", k.at.path("pods/p/log")).body;
  EXPECT_EQ(text, std::string(100'000, 'x') + "\nend\n");
}

TEST(ClusterPodLog, GivesEveryLineToManyFollowersAtOnce) {
  running k;
  gate begin;
  create(k.at, script_pod("p", begin.wait() + "; seq 1 20000"));
  wait_running(k.at, "p");
  std::vector<std::unique_ptr<stream>> logs;
  for (int i = 0; i < 8; ++i)
    logs.push_back(
      std::make_unique<stream>(k.at, k.at.path("pods/p/log?follow=true")));
  begin.open();
  std::string expected;
  for (int i = 1; i <= 20'000; ++i)
    expected += std::to_string(i) + '\n';
  for (auto& log : logs) {
    ASSERT_TRUE(log->wait_end());
    EXPECT_TRUE(log->text() == expected);
  }
}

TEST(ClusterPodLog, IsHeldBackByASlowReaderAndNotKeptInMemory) {
  running k;
  constexpr std::size_t size = 64 * 1024 * 1024;
  create(k.at, script_pod("p", "yes $$(printf %01023d 7) | head -c "
                                 + std::to_string(size)));
  wait_running(k.at, "p");
  auto before = resident();
  stream log{k.at, k.at.path("pods/p/log?follow=true"), true};
  wait_ended(k.at, "p");
  // The reader has taken nothing so far; its own copy comes later.
  EXPECT_LT(resident(), before + size / 2);
  log.release();
  ASSERT_TRUE(log.wait_end());
  EXPECT_EQ(log.text().size(), size);
  EXPECT_EQ(log.text().find("7\n"), 1'022u);
}

TEST(ClusterPodLog, LosesLinesOfAReaderThatIsBehindWhenItIsRotated) {
  auto options = quick();
  options.rotate_bytes = 100'000;
  running k{options};
  gate begin;
  create(k.at, script_pod("p", begin.wait() + "; seq -f %01000.0f 1 20000"));
  wait_running(k.at, "p");
  stream log{k.at, k.at.path("pods/p/log?follow=true"), true};
  begin.open();
  wait_ended(k.at, "p");
  log.release();
  ASSERT_TRUE(log.wait_end());
  EXPECT_TRUE(log.complete());
  EXPECT_LT(log.text().size(), 18'000'000u);
  EXPECT_TRUE(log.text().ends_with("00020000\n"));
}

TEST(ClusterPodLog, IsNotKeptOpenByAClientThatLeft) {
  running k;
  create(k.at, script_pod("p", "echo ready; exec sleep 600"));
  wait_running(k.at, "p");
  {
    stream log{k.at, k.at.path("pods/p/log?follow=true")};
    ASSERT_TRUE(log.wait([](const auto& text) { return !text.empty(); }));
  }
  // The watch of this wait is the only stream that is left.
  watch pods{k.at, "pods", "allowWatchBookmarks=true"};
  auto alone
    = pods.until([&](const auto&) { return k.cluster.connections() == 1; });
  EXPECT_TRUE(alone.is_object());
}

} // namespace
