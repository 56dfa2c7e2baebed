#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

#include "infra/settings/settings.hpp"

namespace cuttle::settings {

namespace {

namespace fs = std::filesystem;

class CpuLimit : public ::testing::Test {
protected:
  void SetUp() override {
    auto name = fs::temp_directory_path() / "cuttle-cgroup-XXXXXX";
    auto text = name.string();
    ASSERT_NE(::mkdtemp(text.data()), nullptr);
    root_ = text;
    processors_ = cpu_limit(root_);
  }

  void TearDown() override {
    fs::remove_all(root_);
  }

  void write(const char* name, const char* text) {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream{root_ / name} << text;
  }

  unsigned at_most(unsigned quota) const {
    return std::min(quota, processors_);
  }

  fs::path root_;
  unsigned processors_ = 0;
};

} // namespace

TEST_F(CpuLimit, IsTheNumberOfProcessorsWithoutFiles) {
  EXPECT_GE(processors_, 1u);
  EXPECT_LE(processors_, std::max(1u, std::thread::hardware_concurrency()));
}

TEST_F(CpuLimit, RoundsTheQuotaUp) {
  write("cpu.max", "50000 100000\n");
  EXPECT_EQ(cpu_limit(root_), 1u);
  write("cpu.max", "100000 100000\n");
  EXPECT_EQ(cpu_limit(root_), 1u);
  write("cpu.max", "100001 100000\n");
  EXPECT_EQ(cpu_limit(root_), at_most(2));
  write("cpu.max", "900000000 100000\n");
  EXPECT_EQ(cpu_limit(root_), processors_);
}

TEST_F(CpuLimit, IsUnlimitedWithMax) {
  write("cpu.max", "max 100000\n");
  EXPECT_EQ(cpu_limit(root_), processors_);
}

TEST_F(CpuLimit, ReadsTheFilesOfVersionOne) {
  write("cpu/cpu.cfs_quota_us", "100000\n");
  write("cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpu_limit(root_), 1u);
  write("cpu/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(cpu_limit(root_), processors_);
}

TEST_F(CpuLimit, ReadsTheJoinedControllerOfVersionOne) {
  write("cpu,cpuacct/cpu.cfs_quota_us", "20000\n");
  write("cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpu_limit(root_), 1u);
}

TEST_F(CpuLimit, IgnoresFilesThatMakeNoSense) {
  for (auto text : {"", "x y", "100000", "100000 0", "-5 100000",
                    "99999999999999999999999 1"}) {
    write("cpu.max", text);
    EXPECT_EQ(cpu_limit(root_), processors_) << text;
  }
}

} // namespace cuttle::settings
