#include <chrono>
#include <fcntl.h>

#include "tests/unit/workspace/store_fixture.hpp"

using namespace cuttle;
using namespace cuttle::workspace;
using namespace cuttle::workspace::test;

class Remove : public store_test {
public:
  bool trash_is_empty() const {
    return fs::is_empty(home_ / ".cuttle" / "trash");
  }
};

TEST_F(Remove, TakesTheWholeWorkspace) {
  auto start = command("x");
  start.files = {file("a/b/c", "1")};
  ASSERT_TRUE(prepare(start));
  ASSERT_TRUE(prepare(command("x", "Other")));
  EXPECT_TRUE(remove(ticket("Ticket1")));
  EXPECT_FALSE(fs::exists(work()));
  EXPECT_TRUE(fs::exists(work("Other")));
  EXPECT_TRUE(trash_is_empty());
}

TEST_F(Remove, OfAMissingWorkspaceIsASuccess) {
  EXPECT_TRUE(remove(ticket("Nobody")));
  EXPECT_FALSE(fs::exists(home_ / "Work"));
  ASSERT_TRUE(prepare(command("x")));
  EXPECT_TRUE(remove(ticket("Ticket1")));
  EXPECT_TRUE(remove(ticket("Ticket1")));
}

TEST_F(Remove, RefusesATicketThatIsNoFolderName) {
  write_plain(home_ / "precious", "kept");
  ASSERT_TRUE(prepare(command("x")));
  for (std::string name : {"", ".", "..", "../Work", "Ticket1/..", "/tmp"})
    EXPECT_EQ(remove(ticket(name)).error().code, errc::invalid_request);
  EXPECT_TRUE(fs::exists(home_ / "precious"));
  EXPECT_TRUE(fs::exists(work()));
}

TEST_F(Remove, DoesNotFollowLinks) {
  write_plain(root_ / "outside" / "kept", "1");
  ASSERT_TRUE(prepare(command("x")));
  fs::create_directory_symlink(root_ / "outside", work() / "link");
  fs::create_directory_symlink(root_ / "outside", work("Link"));
  EXPECT_TRUE(remove(ticket("Ticket1")));
  EXPECT_TRUE(remove(ticket("Link")));
  EXPECT_FALSE(fs::exists(fs::symlink_status(work("Link"))));
  EXPECT_TRUE(fs::exists(root_ / "outside" / "kept"));
  EXPECT_TRUE(trash_is_empty());
}

TEST_F(Remove, CopesWithVeryDeepFoldersAndPipes) {
  ASSERT_TRUE(prepare(command("x")));
  auto here = ::open(work().c_str(), O_RDONLY | O_DIRECTORY);
  for (auto i = 0; i < 1200; ++i) {
    ASSERT_EQ(::mkdirat(here, "d", 0755), 0);
    auto next = ::openat(here, "d", O_RDONLY | O_DIRECTORY);
    ::close(here);
    here = next;
  }
  ::close(here);
  ASSERT_EQ(::mkfifo((work() / "pipe").c_str(), 0600), 0);
  EXPECT_TRUE(remove(ticket("Ticket1")));
  EXPECT_FALSE(fs::exists(work()));
  EXPECT_TRUE(trash_is_empty());
}

TEST_F(Remove, TakesReadOnlyFolders) {
  ASSERT_TRUE(prepare(command("x")));
  write_plain(work() / "ro" / "in" / "file", "1");
  fs::permissions(work() / "ro" / "in", fs::perms::owner_read);
  fs::permissions(work() / "ro", fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_TRUE(remove(ticket("Ticket1")));
  EXPECT_TRUE(trash_is_empty());
}

TEST_F(Remove, ListsWorkspacesWithTheirTime_WS09) {
  auto before = std::chrono::system_clock::now() - std::chrono::seconds{2};
  ASSERT_TRUE(prepare(command("x", "A")));
  ASSERT_TRUE(prepare(command("x", "b.2")));
  write_plain(work("Stock") / "last-pod-log-timestamp.txt", "x");
  write_plain(work("Foreign") / "data", "x");
  write_plain(home_ / "Work" / "file", "x");
  fs::create_directory_symlink(work("A"), work("Link"));
  auto result = list();
  ASSERT_TRUE(result);
  std::vector<std::string> names;
  for (const auto& x : *result) {
    names.push_back(x.ticket.task_id);
    EXPECT_GT(x.written, before);
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"A", "Stock", "b.2"}));
}

TEST_F(Remove, ListsNothingOnANewVolumeAndMakesNothing_WS10) {
  auto result = list();
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->empty());
  EXPECT_FALSE(fs::exists(home_ / "Work"));
}

TEST_F(Remove, AtStartTakesWhatAKilledProcessLeft) {
  finish();
  auto trash = home_ / ".cuttle" / "trash";
  auto spool = spool_directory(home_);
  write_plain(trash / "half" / "removed", "1");
  write_plain(spool / "old", "1");
  write_plain(spool / "young", "1");
  fs::last_write_time(spool / "old",
                      fs::file_time_type::clock::now() - std::chrono::hours{2});
  restart();
  EXPECT_TRUE(trash_is_empty());
  EXPECT_EQ(tree(spool), std::vector<std::string>{"young"});
}
