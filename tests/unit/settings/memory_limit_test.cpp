#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <unistd.h>

#include "infra/settings/memory_limit.hpp"

namespace cuttle::settings {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t mib = 1024 * 1024;

class MemoryLimit : public ::testing::Test {
protected:
  void SetUp() override {
    auto name = fs::temp_directory_path() / "cuttle-cgroup-XXXXXX";
    auto text = name.string();
    ASSERT_NE(::mkdtemp(text.data()), nullptr);
    root_ = text;
  }

  void TearDown() override {
    fs::remove_all(root_);
  }

  void write(const char* name, const char* text) {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream{root_ / name} << text;
  }

  fs::path root_;
};

std::size_t total_with(std::optional<std::uint64_t> memory,
                       std::map<std::string, std::string> variables = {}) {
  auto env = [&](const std::string& name) -> std::optional<std::string> {
    auto i = variables.find(name);
    return i == variables.end() ? std::nullopt : std::optional{i->second};
  };
  auto values = read_environment(env).values;
  fit_to_memory(values, env, memory);
  return values.log_total_bytes;
}

} // namespace

TEST_F(MemoryLimit, IsNoneWithoutFiles) {
  EXPECT_FALSE(memory_limit(root_));
}

TEST_F(MemoryLimit, IsThatOfTheContainer) {
  write("memory.max", "134217728\n");
  EXPECT_EQ(memory_limit(root_), 128 * mib);
}

TEST_F(MemoryLimit, IsNoneWithMax) {
  write("memory.max", "max\n");
  EXPECT_FALSE(memory_limit(root_));
}

TEST_F(MemoryLimit, ReadsTheFileOfVersionOne) {
  write("memory/memory.limit_in_bytes", "536870912\n");
  EXPECT_EQ(memory_limit(root_), 512 * mib);
  write("memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_FALSE(memory_limit(root_));
}

TEST_F(MemoryLimit, IgnoresFilesThatMakeNoSense) {
  for (auto text : {"", "x", "0", "-1", "12 kB", "99999999999999999999999"}) {
    write("memory.max", text);
    EXPECT_FALSE(memory_limit(root_)) << text;
  }
}

TEST_F(MemoryLimit, GivesTheOutputOfAllScriptsAnEighth) {
  EXPECT_EQ(total_with(std::nullopt), 16 * mib);
  EXPECT_EQ(total_with(4096 * mib), 16 * mib);
  EXPECT_EQ(total_with(128 * mib), 16 * mib);
  EXPECT_EQ(total_with(64 * mib), 8 * mib);
  EXPECT_EQ(total_with(16 * mib), 4 * mib);
}

TEST_F(MemoryLimit, GivesWayToTheSetting) {
  EXPECT_EQ(total_with(64 * mib, {{"CUTTLE_LOG_TOTAL_BYTES", "100Mi"}}),
            100 * mib);
  EXPECT_EQ(total_with(16 * mib, {{"CUTTLE_LOG_BUFFER_BYTES", "20Mi"}}),
            20 * mib);
}

} // namespace cuttle::settings
