#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>
#include <regex>

#include "infra/sim/cluster_log.hpp"
#include "infra/sim/cluster_text.hpp"

using namespace cuttle::sim;

namespace {

class ClusterLog : public testing::Test {
protected:
  ClusterLog() {
    auto pattern
      = (std::filesystem::temp_directory_path() / "cuttle-cluster-log-XXXXXX")
          .string();
    folder_ = mkdtemp(pattern.data());
  }

  ~ClusterLog() override {
    std::filesystem::remove_all(folder_);
  }

  std::shared_ptr<container_log> make(std::size_t rotate_bytes = 0) {
    return std::make_shared<container_log>(folder_ / "log", rotate_bytes,
                                           [this] { ++growths_; });
  }

  static std::string read_all(log_reader& reader,
                              log_reader::state* last = nullptr) {
    std::string text;
    auto state = log_reader::state::more;
    while (state == log_reader::state::more)
      state = reader.read(text);
    if (last)
      *last = state;
    return text;
  }

  static std::string read_all(const std::shared_ptr<container_log>& log) {
    log_reader reader{log, {}};
    return read_all(reader);
  }

  std::filesystem::path folder_;
  int growths_ = 0;
};

constexpr auto out = container_log::stream::out;
constexpr auto err = container_log::stream::err;

TEST_F(ClusterLog, GivesBackLinesOfBothStreams) {
  auto log = make();
  log->append(out, "one\ntw");
  log->append(err, "bad\n");
  log->append(out, "o\n\n");
  EXPECT_EQ(read_all(log), "one\nbad\ntwo\n\n");
  EXPECT_EQ(growths_, 3);
}

TEST_F(ClusterLog, StampsEachLineOnceWithARisingTime) {
  auto log = make();
  log->append(out, "a\nb\n" + std::string(40'000, 'x') + "\n");
  log_reader reader{log, {true, std::nullopt}};
  auto text = read_all(reader);
  std::regex line{R"((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) ([abx]+)\n)"};
  std::vector<std::string> times;
  std::string lines;
  for (std::size_t at = 0; at < text.size();) {
    auto end = text.find('\n', at);
    ASSERT_NE(end, text.npos);
    times.push_back(text.substr(at, 30));
    lines += text.substr(at + 31, end - at - 30);
    at = end + 1;
  }
  EXPECT_EQ(lines, "a\nb\n" + std::string(40'000, 'x') + "\n");
  ASSERT_EQ(times.size(), 3u);
  EXPECT_LT(times[0], times[1]);
  EXPECT_LT(times[1], times[2]);
  EXPECT_TRUE(std::regex_match(text.substr(0, 33), line));
}

TEST_F(ClusterLog, StoresALongLineInPartsOf16KiB_LOG09) {
  auto log = make();
  log->append(out, std::string(16'384, 'x') + "\n");
  log->append(out, std::string(16'385, 'y') + "\n");
  EXPECT_EQ(read_all(log),
            std::string(16'384, 'x') + "\n" + std::string(16'385, 'y') + "\n");
  log->finish();
  auto size = std::filesystem::file_size(folder_ / "log.1.log");
  EXPECT_EQ(size, 2 * 16'384u + 1 + 4 * 41u);
}

TEST_F(ClusterLog, EndsTheLastLineWithTheContainer) {
  auto log = make();
  log->append(out, "no end");
  EXPECT_EQ(read_all(log), "");
  log_reader reader{log, {}};
  log_reader::state last;
  EXPECT_EQ(read_all(reader, &last), "");
  EXPECT_EQ(last, log_reader::state::idle);
  log->finish();
  EXPECT_EQ(read_all(reader, &last), "no end\n");
  EXPECT_EQ(last, log_reader::state::ended);
}

TEST_F(ClusterLog, LeavesOutLinesBeforeASecond_LOG04) {
  auto log = make();
  log->append(out, "line\n");
  auto now = std::chrono::system_clock::now();
  log_reader all{log, {false, now - std::chrono::seconds{5}}};
  EXPECT_EQ(read_all(all), "line\n");
  log_reader none{log, {false, now + std::chrono::seconds{5}}};
  EXPECT_EQ(read_all(none), "");
}

TEST_F(ClusterLog, LosesWhatAReaderHadNotReadWhenRotated) {
  auto log = make(100);
  log->append(out, "first\n");
  log_reader reader{log, {}};
  EXPECT_EQ(read_all(reader), "first\n");
  log->append(out, std::string(200, 'x') + "\n");
  log->append(out, "after\n");
  EXPECT_EQ(read_all(reader), "after\n");
  EXPECT_EQ(read_all(log), "after\n");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "log.1.log"));
}

TEST_F(ClusterLog, KeepsWhatAReaderThatIsInTimeHasReadWhenRotated) {
  auto log = make(100);
  log_reader reader{log, {}};
  std::string text;
  for (int i = 0; i < 50; ++i) {
    log->append(out, std::to_string(i) + std::string(90, 'x') + "\n");
    text += read_all(reader);
  }
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 50);
}

TEST_F(ClusterLog, RemovesItsFile) {
  auto log = make();
  log->append(out, "x\n");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "log.1.log"));
  log.reset();
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

} // namespace
