#include "tests/unit/workspace/store_fixture.hpp"

using namespace cuttle;
using namespace cuttle::workspace;
using namespace cuttle::workspace::test;

class RunnerFiles : public store_test {
public:
  fs::path runner(const std::string& name) const {
    return work(name) / "bootstrapRunner-linux-amd64";
  }

  static ino_t inode(const fs::path& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_ino;
  }

  std::size_t copies() const {
    return tree(home_ / ".cuttle" / "runner").size();
  }
};

TEST_F(RunnerFiles, AreOneFileInAllWorkspaces_WS04) {
  ASSERT_TRUE(prepare(command("x", "A")));
  ASSERT_TRUE(prepare(command("x", "B")));
  ASSERT_TRUE(prepare(command("x", "B")));
  EXPECT_EQ(inode(runner("A")), inode(runner("B")));
  EXPECT_EQ(copies(), 2u);
}

TEST_F(RunnerFiles, OutliveTheWorkspacesTheyWereIn) {
  ASSERT_TRUE(prepare(command("x", "A")));
  ASSERT_TRUE(remove(ticket("A")));
  ASSERT_TRUE(prepare(command("x", "B")));
  EXPECT_EQ(read_file(runner("B")), "the runner");
}

TEST_F(RunnerFiles, AreMadeAnewWhenAScriptChangedThem) {
  ASSERT_TRUE(prepare(command("x", "A")));
  fs::permissions(runner("A"), fs::perms::none);
  ASSERT_TRUE(prepare(command("x", "B")));
  EXPECT_EQ(mode_of(runner("B")), 0755u);
  write_plain(runner("B"), "THE RUNNER");
  ASSERT_TRUE(prepare(command("x", "C")));
  EXPECT_EQ(read_file(runner("C")), "the runner");
  EXPECT_NE(inode(runner("B")), inode(runner("C")));
  fs::remove_all(home_ / ".cuttle" / "runner");
  ASSERT_TRUE(prepare(command("x", "D")));
  EXPECT_EQ(read_file(runner("D")), "the runner");
}

TEST_F(RunnerFiles, AreMadeAnewAfterARestart) {
  ASSERT_TRUE(prepare(command("x", "A")));
  write_plain(runner("A"), "THE RUNNER");
  restart();
  ASSERT_TRUE(prepare(command("x", "B")));
  EXPECT_EQ(read_file(runner("B")), "the runner");
}

TEST_F(RunnerFiles, FollowTheirSource) {
  ASSERT_TRUE(prepare(command("x", "A")));
  write_plain(runner_ / "bootstrapRunner-linux-amd64", "a newer runner");
  write_plain(runner_ / "bootstrapRunner-linux-arm64", "another");
  ASSERT_TRUE(prepare(command("x", "B")));
  EXPECT_EQ(read_file(runner("A")), "the runner");
  EXPECT_EQ(read_file(runner("B")), "a newer runner");
  EXPECT_EQ(read_file(work("B") / "bootstrapRunner-linux-arm64"), "another");
}

TEST_F(RunnerFiles, OfOldContentGoWhenNoWorkspaceHasThem) {
  ASSERT_TRUE(prepare(command("x", "A")));
  write_plain(runner_ / "bootstrapRunner-linux-amd64", "a newer runner");
  ASSERT_TRUE(prepare(command("x", "B")));
  restart();
  EXPECT_EQ(copies(), 3u);
  ASSERT_TRUE(remove(ticket("A")));
  restart();
  EXPECT_EQ(copies(), 2u);
}

TEST_F(RunnerFiles, CanBeExecutedWhileAWorkspaceIsPreparedAgain) {
  ASSERT_TRUE(prepare(command("x", "A")));
  std::ifstream running{runner("A")};
  ASSERT_TRUE(prepare(command("x", "A")));
  std::string word;
  running >> word;
  EXPECT_EQ(word, "the");
}
