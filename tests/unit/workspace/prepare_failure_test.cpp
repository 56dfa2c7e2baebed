#include "tests/unit/workspace/store_fixture.hpp"

using namespace cuttle;
using namespace cuttle::workspace;
using namespace cuttle::workspace::test;

class PrepareFailure : public store_test {
public:
  void expect_nothing_left() {
    EXPECT_FALSE(fs::exists(work()));
    EXPECT_TRUE(fs::is_empty(home_ / ".cuttle" / "trash"));
  }
};

TEST_F(PrepareFailure, RefusesNamesThatLeaveTheWorkspace) {
  for (std::string name : {"../escaped", "/tmp/escaped", "a/../../escaped",
                           "..", "", "a/", "sub/../../../escaped"}) {
    auto start = command("x");
    start.files = {file("good", "1"), file(name, "2")};
    auto result = prepare(start);
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().code, errc::invalid_request) << name;
    expect_nothing_left();
  }
}

TEST_F(PrepareFailure, RefusesTheNamesOfTheWorkersOwnFiles) {
  for (std::string name :
       {"Bootstrap.sh", "keyfile", "./keyfile", "execute-bootstrapRunner.sh"}) {
    auto start = command("x");
    start.files = {file(name, "2")};
    EXPECT_EQ(prepare(start).error().code, errc::invalid_request) << name;
    expect_nothing_left();
  }
}

TEST_F(PrepareFailure, RefusesATicketThatIsNoFolderName) {
  for (std::string name :
       {std::string{}, std::string{".."}, std::string{"."}, std::string{"a/b"},
        std::string{"../x"}, std::string(101, 'a')})
    EXPECT_EQ(prepare(command("x", name)).error().code, errc::invalid_request);
  EXPECT_FALSE(fs::exists(home_ / "Work"));
}

TEST_F(PrepareFailure, RefusesAFileWithoutContent) {
  auto start = command("x");
  start.files = {script_file{"a", nullptr, std::nullopt}};
  EXPECT_EQ(prepare(start).error().code, errc::invalid_request);
  expect_nothing_left();
}

TEST_F(PrepareFailure, DoesNotFollowALinkOutOfTheWorkspace) {
  auto outside = root_ / "outside";
  write_plain(outside / "target", "untouched");
  fs::create_directories(work());
  fs::create_directory_symlink(outside, work() / "sub");
  fs::create_symlink(outside / "target", work() / "direct");
  fs::create_symlink(outside / "target", work() / "Bootstrap.sh");
  auto start = command("body");
  start.files = {file("direct", "2")};
  ASSERT_TRUE(prepare(start));
  EXPECT_EQ(read_file(outside / "target"), "untouched");
  EXPECT_FALSE(fs::is_symlink(work() / "Bootstrap.sh"));
  EXPECT_EQ(read_file(work() / "direct"), "2");
  start.files = {file("sub/target", "2")};
  auto result = prepare(start);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::io_error);
  EXPECT_EQ(tree(outside), std::vector<std::string>{"target"});
  EXPECT_EQ(read_file(outside / "target"), "untouched");
}

TEST_F(PrepareFailure, DoesNotFollowALinkInPlaceOfTheWorkspace) {
  auto outside = root_ / "outside";
  fs::create_directories(outside);
  fs::create_directories(home_ / "Work");
  fs::create_directory_symlink(outside, work());
  EXPECT_FALSE(prepare(command("x")));
  EXPECT_TRUE(fs::is_empty(outside));
}

TEST_F(PrepareFailure, RefusesWhenThereIsTooLittleSpace_WS07) {
  options_.volume_size = "300Mi";
  options_.required_free_bytes = 577'765'376;
  restart();
  auto result = prepare(command("x"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::overloaded);
  EXPECT_EQ(result.error().text.substr(0, 59),
            "Not enough free space on disk. Required: 577765376 bytes, a");
  EXPECT_FALSE(fs::exists(home_ / "Work"));
}

TEST_F(PrepareFailure, LeavesNothingWhenAFileCanNotBeWritten) {
  auto start = command("x");
  // The second needs a folder where the first is a file.
  start.files = {file("a", "1"), file("a/b", "2")};
  auto result = prepare(start);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::io_error);
  EXPECT_EQ(result.error().text, "Could not open the folder "
                                   + (work() / "a").string()
                                   + ": Not a directory");
  expect_nothing_left();
}

TEST_F(PrepareFailure, LeavesNothingWhenASpoolFileIsGone) {
  auto start = command("x");
  start.files = {file("a", "1"), file("b", "")};
  start.files[1].contents = spooled("gone");
  fs::remove(start.files[1].contents->file);
  EXPECT_FALSE(prepare(start));
  expect_nothing_left();
}

TEST_F(PrepareFailure, LeavesNothingWithoutARunner) {
  fs::remove_all(runner_);
  auto result = prepare(command("x"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().text, "Could not open the folder " + runner_.string()
                                   + ": No such file or directory");
  expect_nothing_left();
}

TEST_F(PrepareFailure, KeepsAnEarlierWorkspaceOfTheTicket_WS06) {
  ASSERT_TRUE(prepare(command("first")));
  auto start = command("second");
  start.files = {file("../x", "")};
  EXPECT_FALSE(prepare(start));
  EXPECT_EQ(read_file(work() / "Bootstrap.sh"), "first");
}
