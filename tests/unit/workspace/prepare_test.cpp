#include "tests/unit/workspace/store_fixture.hpp"

using namespace cuttle;
using namespace cuttle::workspace;
using namespace cuttle::workspace::test;

class Prepare : public store_test {};

TEST_F(Prepare, WritesEverythingBeforeItReports_WS01_WS03) {
  auto start = command("echo hello\n");
  start.files = {file("a.txt", "A"), file("deep/er/b.bin", {"\0\xFF\r\n", 4}),
                 file("empty", "")};
  ASSERT_TRUE(prepare(start));
  EXPECT_EQ(
    tree(work()),
    (std::vector<std::string>{
      "Bootstrap.sh", "a.txt", "bootstrapRunner-linux-amd64", "deep", "deep/er",
      "deep/er/b.bin", "empty", "execute-bootstrapRunner.sh", "keyfile"}));
  EXPECT_EQ(read_file(work() / "Bootstrap.sh"), "echo hello\n");
  EXPECT_EQ(read_file(work() / "a.txt"), "A");
  EXPECT_EQ(read_file(work() / "deep/er/b.bin"), std::string("\0\xFF\r\n", 4));
  EXPECT_EQ(read_file(work() / "empty"), "");
  EXPECT_EQ(read_file(work() / "keyfile"),
            "wAhIfMpTCIp0sdgHC0pg0SkxGJd2Y2AZCxoYambwbi0=");
  EXPECT_EQ(read_file(work() / "bootstrapRunner-linux-amd64"), "the runner");
}

TEST_F(Prepare, PrefersTheBashBody_WS01) {
  auto start = command("other");
  start.bash_body = "bash";
  ASSERT_TRUE(prepare(start));
  EXPECT_EQ(read_file(work() / "Bootstrap.sh"), "bash");
}

TEST_F(Prepare, WritesLineFeedsAndNoByteOrderMark_WS02_SVC13) {
  ASSERT_TRUE(prepare(command("\xEF\xBB\xBF#!/bin/bash\r\na\rb\r\r\nc\r")));
  EXPECT_EQ(read_file(work() / "Bootstrap.sh"), "#!/bin/bash\na\rb\r\nc\r");
}

TEST_F(Prepare, ChoosesModesForAnyUserInThePod_WS04) {
  auto old = ::umask(077);
  auto start = command("x");
  start.files = {file("folder/a", "A")};
  start.files.push_back(file("b", ""));
  start.files.back().contents = spooled("B");
  auto result = prepare(start);
  ::umask(old);
  ASSERT_TRUE(result);
  for (auto* name : {"Bootstrap.sh", "keyfile", "folder/a", "b"})
    EXPECT_EQ(mode_of(work() / name), 0644u) << name;
  for (auto* name :
       {"execute-bootstrapRunner.sh", "bootstrapRunner-linux-amd64"})
    EXPECT_EQ(mode_of(work() / name), 0755u) << name;
  EXPECT_EQ(mode_of(work()), 0775u);
  EXPECT_EQ(mode_of(work() / "folder"), 0775u);
  EXPECT_EQ(mode_of(home_ / ".cuttle"), 0700u);
  EXPECT_EQ(mode_of(spool_directory(home_)), 0700u);
}

TEST_F(Prepare, HandsTheGroupOfTheVolumeDown_WS04) {
  fs::create_directories(home_ / "Work");
  ::chmod((home_ / "Work").c_str(), 02775);
  ASSERT_TRUE(prepare(command("x")));
  EXPECT_EQ(mode_of(work()), 02775u);
}

TEST_F(Prepare, MovesASpoolFileIntoThePlace) {
  auto start = command("x");
  start.files = {file("big", "")};
  start.files[0].contents = spooled("from the spool");
  auto spool = start.files[0].contents->file;
  struct stat before {};
  struct stat after {};
  ::stat(spool.c_str(), &before);
  ASSERT_TRUE(prepare(std::move(start)));
  EXPECT_EQ(read_file(work() / "big"), "from the spool");
  ::stat((work() / "big").c_str(), &after);
  EXPECT_EQ(before.st_ino, after.st_ino);
  EXPECT_FALSE(fs::exists(spool));
}

TEST_F(Prepare, StoresEncryptedFilesOnlyEncrypted_WS05_SVC16) {
  for (auto use_spool : {false, true}) {
    auto start = command("x", use_spool ? "Spooled" : "Memory");
    start.files = {file("secret.json", "h\xC3\xA9llo\n")};
    if (use_spool)
      start.files[0].contents = spooled("h\xC3\xA9llo\n");
    auto kept = start.files[0].contents;
    start.files[0].encryption_password = "secret";
    ASSERT_TRUE(prepare(start));
    auto stored = read_file(work(start.ticket.task_id) / "secret.json");
    ASSERT_EQ(stored.size(), 36u);
    EXPECT_EQ(stored.substr(0, 4), "IV__");
    auto iv = crypto::as_bytes(stored).subspan<4, 16>();
    auto expected = crypto::encrypt_script_file(
      "secret", crypto::as_bytes("h\xC3\xA9llo\n"), iv);
    EXPECT_EQ(crypto::to_hex(crypto::as_bytes(stored)),
              crypto::to_hex(expected));
  }
  // No plain text anywhere, although the stream is still owned by someone.
  for (const auto& entry : fs::recursive_directory_iterator{home_}) {
    if (entry.is_regular_file()) {
      EXPECT_EQ(read_file(entry.path()).find("h\xC3\xA9llo"), std::string::npos)
        << entry.path();
    }
  }
}

TEST_F(Prepare, UsesANewVectorForEachFile_WS05) {
  auto start = command("x");
  start.files = {file("a", "same"), file("b", "same")};
  for (auto& one : start.files)
    one.encryption_password = "secret";
  ASSERT_TRUE(prepare(start));
  EXPECT_NE(read_file(work() / "a"), read_file(work() / "b"));
}

TEST_F(Prepare, TwiceOverwritesAndLeavesTheRest_WS06) {
  auto start = command("first");
  start.files = {file("a", "1"), file("sub/b", "1")};
  ASSERT_TRUE(prepare(start));
  write_plain(work() / "of-the-script", "kept");
  start = command("second");
  start.files = {file("sub/b", "2")};
  ASSERT_TRUE(prepare(start));
  EXPECT_EQ(read_file(work() / "Bootstrap.sh"), "second");
  EXPECT_EQ(read_file(work() / "a"), "1");
  EXPECT_EQ(read_file(work() / "sub/b"), "2");
  EXPECT_EQ(read_file(work() / "of-the-script"), "kept");
  for (const auto& name : tree(work()))
    EXPECT_EQ(name.find(".cuttle-"), std::string::npos) << name;
}

TEST_F(Prepare, KeepsTheSpellingOfTheTicket) {
  ASSERT_TRUE(prepare(command("x", "AbC")));
  ASSERT_TRUE(prepare(command("y", "abc")));
  EXPECT_EQ(read_file(work("AbC") / "Bootstrap.sh"), "x");
  EXPECT_EQ(read_file(work("abc") / "Bootstrap.sh"), "y");
}

TEST_F(Prepare, ReportsTheSpaceOfTheVolume_STO01) {
  auto result = prepare(command("x"));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->total_bytes, 107'374'182'400u);
  EXPECT_GT(result->free_bytes, 0u);
  EXPECT_LE(result->free_bytes, result->total_bytes);
  auto alone = space();
  ASSERT_TRUE(alone);
  EXPECT_EQ(alone->total_bytes, result->total_bytes);
}

TEST_F(Prepare, WritesManyWorkspacesAtOnce) {
  constexpr auto count = 40;
  std::atomic<int> good = 0;
  std::promise<void> all;
  for (auto i = 0; i < count; ++i) {
    auto start = command("body", "T" + std::to_string(i));
    start.files = {file("f", std::to_string(i))};
    store_->prepare(std::move(start), key(), [&](outcome<volume_space> result) {
      EXPECT_TRUE(result);
      if (++good == count)
        all.set_value();
    });
  }
  all.get_future().wait();
  for (auto i = 0; i < count; ++i)
    EXPECT_EQ(read_file(work("T" + std::to_string(i)) / "f"),
              std::to_string(i));
}
