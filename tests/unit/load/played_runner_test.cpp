#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

#include "infra/crypto/cipher.hpp"
#include "infra/load/output_check.hpp"
#include "infra/load/played_runner.hpp"
#include "infra/load/script_plan.hpp"
#include "infra/podlog/frame.hpp"

namespace cuttle::load {

namespace {

namespace fs = std::filesystem;

class PlayedRunner : public ::testing::Test {
protected:
  void SetUp() override {
    auto pattern = (fs::temp_directory_path() / "cuttle-play-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    key_.value.fill(9);
    put("keyfile", crypto::to_base64(key_.value));
  }

  void TearDown() override {
    fs::remove_all(folder_);
  }

  void put(const std::string& name, const std::string& text) {
    std::ofstream{folder_ / name} << text;
  }

  sim::process_spec container() const {
    auto at = folder_.string();
    return {{"sh", "-c",
             "'" + at + "/execute-bootstrapRunner.sh' '" + at + "' '" + at
               + "/Bootstrap.sh'"},
            {},
            "/"};
  }

  // Adds the lines of some output, as a worker would read them.
  void read(const std::string& out) {
    podlog::line_parser parser{key_};
    for (std::size_t at = 0; at < out.size();) {
      auto end = out.find('\n', at);
      ASSERT_NE(end, std::string::npos);
      auto parsed = parser.parse("2026-01-01T00:00:00.000000000Z "
                                 + out.substr(at, end - at));
      at = end + 1;
      auto* good = std::get_if<podlog::parsed_line>(&parsed);
      ASSERT_NE(good, nullptr);
      EXPECT_EQ(good->line.number, ++frames_);
      if (good->exit_code)
        exit_code_ = good->exit_code;
      if (auto line = read_load_line(good->line.line.text))
        check_.add(*line);
    }
  }

  fs::path folder_;
  crypto::log_key key_;
  std::int64_t frames_ = 0;
  std::optional<std::int32_t> exit_code_;
  output_check check_{1'000};
};

TEST_F(PlayedRunner, PrintsWhatTheRunnerWouldPrint) {
  script_plan plan{1'000, 100, {}, std::chrono::milliseconds{70}};
  put("Bootstrap.sh", script_text(plan));
  auto play = play_runner(container());
  ASSERT_TRUE(play) << play.error().text;
  std::chrono::milliseconds time{0};
  while (auto pause = (*play)->next()) {
    time += *pause;
    read((*play)->print());
  }
  EXPECT_EQ(time, plan.sleep);
  EXPECT_EQ(check_.lost() + check_.doubled() + check_.disordered(), 0u);
  EXPECT_EQ(exit_code_, 0);
  EXPECT_EQ((*play)->exit_code(), 0);
}

TEST_F(PlayedRunner, WaitsBetweenLinesAndEndsWhenInterrupted) {
  put("Bootstrap.sh", script_text({5, 0, std::chrono::milliseconds{40}, {}}));
  auto play = play_runner(container());
  ASSERT_TRUE(play) << play.error().text;
  for (auto wanted : {0, 0, 40}) {
    auto pause = (*play)->next();
    ASSERT_TRUE(pause);
    EXPECT_EQ(pause->count(), wanted);
    read((*play)->print());
  }
  read((*play)->interrupt());
  EXPECT_EQ(exit_code_, 143);
  EXPECT_EQ((*play)->exit_code(), 143);
  EXPECT_FALSE((*play)->next());
  EXPECT_FALSE(check_.ended_at());
}

TEST_F(PlayedRunner, RefusesWhatIsNoScriptOfALoad) {
  EXPECT_FALSE(play_runner(container()));
  put("Bootstrap.sh", "echo hello\n");
  EXPECT_FALSE(play_runner(container()));
  EXPECT_FALSE(play_runner({{"sh", "-c", "true"}, {}, "/"}));
}

} // namespace

} // namespace cuttle::load
