#include <fcntl.h>

#include "tests/unit/workspace/store_fixture.hpp"

using namespace cuttle;
using namespace cuttle::workspace;
using namespace cuttle::workspace::test;

class Transfer : public store_test {
public:
  static std::string content(const outcome<downloaded_file>& result) {
    if (!result || !result->contents)
      return "nothing";
    const auto& source = *result->contents;
    std::string text(static_cast<std::size_t>(source.length), '\0');
    EXPECT_EQ(::pread(source.descriptor, text.data(), text.size(), 0),
              source.length);
    return text;
  }
};

TEST_F(Transfer, StoresBelowHomeAndReportsTheDigest_RPC16_SVC51) {
  auto result = put("Files/a.txt", memory("abc"));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->full_path, (home_ / "Files/a.txt").string());
  EXPECT_EQ(result->sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(result->length, 3);
  EXPECT_EQ(read_file(home_ / "Files/a.txt"), "abc");
  EXPECT_EQ(mode_of(home_ / "Files/a.txt"), 0644u);
}

TEST_F(Transfer, TakesBackslashesAsSeparators_RPC16_SVC51) {
  auto result = put("Files\\sub\\.\\x\\..\\a.txt", memory("abc"));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->full_path, (home_ / "Files/sub/a.txt").string());
  EXPECT_EQ(read_file(home_ / "Files/sub/a.txt"), "abc");
}

TEST_F(Transfer, HonoursAbsolutePaths_RPC16_SVC51) {
  auto path = (root_ / "elsewhere" / "a").string();
  auto result = put(path, memory("abc"));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->full_path, path);
  EXPECT_EQ(read_file(path), "abc");
}

TEST_F(Transfer, MovesASpoolFileIntoPlace_RPC16) {
  write_plain(home_ / "a", "old");
  auto contents = spooled("from the spool");
  auto spool = contents->file;
  auto result = put("a", std::move(contents));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->length, 14);
  EXPECT_EQ(result->sha1,
            crypto::sha1_hex_lower(crypto::as_bytes("from the spool")));
  EXPECT_EQ(read_file(home_ / "a"), "from the spool");
  EXPECT_EQ(mode_of(home_ / "a"), 0644u);
  EXPECT_FALSE(fs::exists(spool));
}

TEST_F(Transfer, CopiesASpoolFileToAnotherFileSystem_RPC16) {
  struct stat here {};
  struct stat there {};
  fs::path other = "/dev/shm";
  if (::stat(home_.c_str(), &here) != 0 || ::stat(other.c_str(), &there) != 0
      || here.st_dev == there.st_dev || ::access(other.c_str(), W_OK) != 0)
    GTEST_SKIP() << "there is no second file system to write to";
  auto path = other / ("cuttle-store-test-" + std::to_string(::getpid()));
  auto contents = spooled("from the spool");
  auto spool = contents->file;
  auto result = put(path.string(), std::move(contents));
  auto text = read_file(path);
  fs::remove(path);
  ASSERT_TRUE(result);
  EXPECT_EQ(text, "from the spool");
  EXPECT_FALSE(fs::exists(spool));
}

TEST_F(Transfer, StoresNothingForANullStream_RPC16) {
  auto result = put("Files/a.txt", nullptr);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->full_path, (home_ / "Files/a.txt").string());
  EXPECT_FALSE(result->sha1);
  EXPECT_EQ(result->length, 0);
  EXPECT_FALSE(fs::exists(home_ / "Files"));
}

TEST_F(Transfer, StoresAnEmptyFile_RPC16) {
  auto result = put("empty", memory(""));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->sha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_TRUE(fs::exists(home_ / "empty"));
}

TEST_F(Transfer, RefusesAnUploadThatIsTooLarge_STO06) {
  options_.volume_size = "2Mi";
  restart();
  auto result = put("big", memory(std::string(1'048'576, 'x')));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::overloaded);
  EXPECT_EQ(result.error().text,
            "Not enough free space on disk. Required: 2202009 bytes, "
            "available: 2097152 bytes");
  EXPECT_FALSE(fs::exists(home_ / "big"));
  EXPECT_TRUE(put("small", memory(std::string(100'000, 'x'))));
}

TEST_F(Transfer, LeavesTheOldFileWhenAnUploadFails_RPC16_SVC53) {
  write_plain(home_ / "a", "old");
  auto contents = spooled("new");
  contents->length = 5;
  auto result = put("a", std::move(contents));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::io_error);
  EXPECT_EQ(read_file(home_ / "a"), "old");
  EXPECT_TRUE(fs::is_empty(spool_directory(home_)));
}

TEST_F(Transfer, RefusesPathsThatNameNoFile) {
  fs::create_directories(home_ / "folder");
  for (std::string path : {"", "folder/", "/", ".", ".."}) {
    EXPECT_FALSE(put(path, memory("x"))) << path;
    EXPECT_FALSE(get(path)) << path;
  }
  EXPECT_EQ(put("folder", memory("x")).error().code, errc::io_error);
  EXPECT_TRUE(fs::is_empty(home_ / "folder"));
}

TEST_F(Transfer, RepeatsAnUploadHarmlessly_RPC16) {
  ASSERT_TRUE(put("a", memory("first")));
  auto reader = get("a");
  ASSERT_TRUE(put("a", memory("second")));
  EXPECT_EQ(content(reader), "first");
  EXPECT_EQ(content(get("a")), "second");
}

TEST_F(Transfer, SendsAFileAsItWasWhenOpened_RPC16) {
  write_plain(home_ / "a", "12345");
  auto result = get("a");
  ASSERT_TRUE(result);
  std::ofstream{home_ / "a", std::ios::app} << "678";
  EXPECT_EQ(result->contents->length, 5);
  EXPECT_EQ(content(result), "12345");
}

TEST_F(Transfer, SendsNothingForAMissingFile_RPC16) {
  write_plain(home_ / "file", "x");
  for (auto* path : {"missing", "no/such/folder/a", "file/below"}) {
    auto result = get(path);
    ASSERT_TRUE(result) << path;
    EXPECT_FALSE(result->contents) << path;
  }
}

TEST_F(Transfer, SendsAnEmptyFile_RPC16) {
  write_plain(home_ / "empty", "");
  auto result = get("empty");
  ASSERT_TRUE(result);
  ASSERT_TRUE(result->contents);
  EXPECT_EQ(result->contents->length, 0);
}

TEST_F(Transfer, RefusesToSendWhatIsNoFile_RPC16) {
  fs::create_directories(home_ / "folder");
  ASSERT_EQ(::mkfifo((home_ / "pipe").c_str(), 0600), 0);
  for (auto* path : {"folder", "pipe"}) {
    auto result = get(path);
    ASSERT_FALSE(result) << path;
    EXPECT_EQ(result.error().code, errc::invalid_request) << path;
  }
}

TEST_F(Transfer, ClosesTheFileWithItsLastOwner) {
  write_plain(home_ / "a", "x");
  auto result = get("a");
  ASSERT_TRUE(result);
  auto number = result->contents->descriptor;
  result->contents.reset();
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

TEST_F(Transfer, SendsWorkspaceFilesUntilTheyAreRemoved_SVC57) {
  ASSERT_TRUE(prepare(command("x")));
  write_plain(work() / "artifact", "made by the script");
  EXPECT_EQ(content(get((work() / "artifact").string())), "made by the script");
  ASSERT_TRUE(remove(ticket("Ticket1")));
  EXPECT_FALSE(get((work() / "artifact").string())->contents);
}
