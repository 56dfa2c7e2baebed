#include "infra/runner_link/wire.hpp"
#include "infra/workspace/link_files.hpp"
#include "tests/unit/workspace/store_fixture.hpp"

using namespace cuttle;
using namespace cuttle::workspace;
using namespace cuttle::workspace::test;
using runner_link::address_file;
using runner_link::lines_file;

namespace {

class LinkFiles : public store_test {
protected:
  void listen_at(std::string address) {
    options_.link_address = std::move(address);
    restart();
  }

  outcome<kept_part> kept(std::uint64_t offset = 0) {
    std::promise<outcome<kept_part>> result;
    store_->read_kept_lines(
      ticket("Ticket1"), offset,
      [&](outcome<kept_part> x) { result.set_value(std::move(x)); });
    return result.get_future().get();
  }

  // Until the disk threads have done what was posted.
  void announce() {
    store_->announce_link(ticket("Ticket1"));
    finish();
  }
};

TEST_F(LinkFiles, AWorkspaceNamesTheWorkersAddressWhenThereIsOne) {
  ASSERT_TRUE(prepare(command("x")));
  EXPECT_FALSE(fs::exists(work() / address_file));
  listen_at("10.1.2.3:8081");
  ASSERT_TRUE(prepare(command("x", "Ticket2")));
  EXPECT_EQ(read_file(work("Ticket2") / address_file), "1 10.1.2.3:8081\n");
  EXPECT_EQ(mode_of(work("Ticket2") / address_file), 0644u);
}

TEST_F(LinkFiles, AWorkerThatHasMovedIsAnnouncedInAWorkspaceThatIsThere) {
  listen_at("10.1.2.3:8081");
  ASSERT_TRUE(prepare(command("x")));
  listen_at("[fd00::7]:8081");
  announce();
  EXPECT_EQ(read_file(work() / address_file), "1 [fd00::7]:8081\n");
}

TEST_F(LinkFiles, AnnouncingMakesNoWorkspace) {
  listen_at("10.1.2.3:8081");
  announce();
  EXPECT_FALSE(fs::exists(work()));
}

TEST_F(LinkFiles, LinesThatWereLeftAreReadInParts) {
  ASSERT_TRUE(prepare(command("x")));
  auto empty = kept();
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->bytes, "");
  EXPECT_TRUE(empty->last);
  std::string content;
  for (int i = 0; content.size() < 600'000; ++i)
    content += "line " + std::to_string(i) + "\n";
  write_plain(work() / lines_file, content);
  std::string all;
  auto parts = 0;
  for (;; ++parts) {
    auto part = kept(all.size());
    ASSERT_TRUE(part);
    if (part->last)
      break;
    EXPECT_LE(part->bytes.size(), 64u * 1024);
    all += part->bytes;
  }
  EXPECT_EQ(all, content);
  EXPECT_EQ(parts, 10);
}

TEST_F(LinkFiles, WhatTheScriptPutInTheirPlaceIsNotFollowed) {
  ASSERT_TRUE(prepare(command("x")));
  write_plain(root_ / "secret", "secret");
  fs::create_symlink(root_ / "secret", work() / lines_file);
  EXPECT_EQ(kept()->bytes, "");
  fs::remove(work() / lines_file);
  // Opening it for reading would wait for a writer.
  ASSERT_EQ(::mkfifo((work() / lines_file).c_str(), 0600), 0);
  EXPECT_EQ(kept()->bytes, "");
  fs::remove(work() / lines_file);
  fs::create_directory(work() / lines_file);
  EXPECT_EQ(kept()->bytes, "");
}

TEST_F(LinkFiles, AScriptsFileMayNotHaveTheirNames) {
  for (const auto* name : {address_file, lines_file}) {
    auto start = command("x");
    start.files = {file(name, "A")};
    auto result = prepare(start);
    ASSERT_FALSE(result) << name;
    EXPECT_EQ(result.error().code, errc::invalid_request);
  }
}

} // namespace
