#include <deque>
#include <fstream>
#include <gtest/gtest.h>
#include <random>

#include "infra/runner_link/wire.hpp"
#include "programs/runner/held_lines.hpp"
#include "programs/runner/line_time.hpp"
#include "tests/unit/runner/runner_process.hpp"

using namespace cuttle;
using namespace cuttle::runner;
using cuttle::runner::test::workspace;

namespace {

constexpr std::uint64_t plenty = 1024 * 1024 * 1024;
constexpr std::size_t mebibyte = 1024 * 1024;

struct HeldLines : testing::Test {
  /// A line of so many bytes; its text tells its number.
  std::string frame(std::int64_t number, std::size_t size) {
    auto result = "|" + std::to_string(number) + "|";
    result.resize(std::max(size, result.size() + 1), 'x');
    result.back() = '\n';
    return result;
  }

  void add(held_lines& to, std::int64_t number, std::size_t size) {
    auto text = frame(number, size);
    to.add(number, "now", text);
    model.push_back({number, "now " + text});
  }

  void drop(held_lines& from, std::int64_t number) {
    from.drop(number);
    while (!model.empty() && model.front().number <= number)
      model.pop_front();
  }

  /// Everything from a line on, in pieces.
  std::string read(const held_lines& from, std::int64_t number,
                   std::size_t piece) {
    std::string result;
    for (auto at = from.find(number); at < from.end();) {
      auto before = result.size();
      EXPECT_TRUE(from.read(at, piece, result));
      EXPECT_LE(result.size() - before, piece);
      if (result.size() == before) {
        ADD_FAILURE() << "nothing read";
        break;
      }
      at += result.size() - before;
    }
    return result;
  }

  std::string expected(std::int64_t number = 0) {
    std::string result;
    for (auto& x : model)
      if (x.number >= number)
        result += x.text;
    return result;
  }

  std::string left() {
    std::ifstream in{path(), std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  std::filesystem::path path() {
    return where.path() / runner_link::lines_file;
  }

  struct line {
    std::int64_t number;
    std::string text;
  };

  workspace where;
  std::deque<line> model;
};

} // namespace

TEST_F(HeldLines, KeepsLinesUntilTheyAreDropped) {
  held_lines uut{where.path().string(), plenty};
  EXPECT_TRUE(uut.empty());
  EXPECT_EQ(uut.first(), 1);
  EXPECT_EQ(uut.last(), 0);
  for (auto i = 1; i <= 10; ++i)
    add(uut, i, 20);
  EXPECT_EQ(read(uut, 1, 7), expected());
  EXPECT_EQ(read(uut, 6, 7), expected(6));
  drop(uut, 4);
  EXPECT_EQ(uut.first(), 5);
  EXPECT_EQ(read(uut, 5, 1000), expected());
  drop(uut, 3);
  EXPECT_EQ(uut.first(), 5);
  drop(uut, 10);
  EXPECT_TRUE(uut.empty());
  EXPECT_EQ(uut.first(), 11);
  EXPECT_FALSE(std::filesystem::exists(path()));
  add(uut, 11, 20);
  EXPECT_EQ(read(uut, 11, 1000), expected());
}

TEST_F(HeldLines, IsFullWhenNeitherMemoryNorTheFileTakesMore) {
  held_lines uut{where.path().string(), 3 * mebibyte};
  std::int64_t number = 0;
  while (!uut.full())
    add(uut, ++number, 100'000);
  EXPECT_LE(std::filesystem::file_size(path()), 3 * mebibyte);
  EXPECT_GT(uut.size(), 3 * mebibyte);
  EXPECT_EQ(read(uut, 1, 65'536), expected());
  // Half of it gone makes room again.
  drop(uut, number / 2);
  EXPECT_FALSE(uut.full());
  EXPECT_EQ(read(uut, number / 2 + 1, 65'536), expected());
}

TEST_F(HeldLines, IsFullWhereTheFileCanNotBeMade) {
  held_lines uut{(where.path() / "missing").string(), plenty};
  std::int64_t number = 0;
  while (!uut.full())
    add(uut, ++number, 100'000);
  EXPECT_EQ(number, 11);
  EXPECT_EQ(read(uut, 1, 65'536), expected());
  drop(uut, 5);
  EXPECT_FALSE(uut.full());
  EXPECT_NE(uut.save(), 0);
}

TEST_F(HeldLines, DoesNotWriteThroughALink) {
  auto target = where.write("precious", "as it was");
  std::filesystem::create_symlink(target, path());
  held_lines uut{where.path().string(), plenty};
  std::int64_t number = 0;
  while (!uut.full())
    add(uut, ++number, 100'000);
  std::ifstream in{target};
  std::string text;
  std::getline(in, text);
  EXPECT_EQ(text, "as it was");
}

TEST_F(HeldLines, LeavesWhatIsHeld) {
  for (auto drops : {0, 1, 15, 29}) {
    model.clear();
    held_lines uut{where.path().string(), plenty};
    for (auto i = 1; i <= 30; ++i)
      add(uut, i, 100'000);
    drop(uut, drops);
    EXPECT_EQ(uut.save(), 0);
    EXPECT_EQ(left(), expected()) << drops;
    EXPECT_FALSE(std::filesystem::exists(path().string() + ".new"));
    std::filesystem::remove(path());
  }
}

TEST_F(HeldLines, LeavesNoFileWhenNothingIsHeld) {
  held_lines uut{where.path().string(), plenty};
  for (auto i = 1; i <= 30; ++i)
    add(uut, i, 100'000);
  EXPECT_TRUE(std::filesystem::exists(path()));
  drop(uut, 30);
  EXPECT_EQ(std::filesystem::file_size(path()), 0u);
  EXPECT_EQ(uut.save(), 0);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(HeldLines, KeepsTheFileSmallWhileItIsNeverEmpty) {
  held_lines uut{where.path().string(), 8 * mebibyte};
  for (auto i = 1; i <= 2000; ++i) {
    add(uut, i, 50'000);
    // Always some two mebibytes behind.
    if (i > 40)
      drop(uut, i - 40);
    ASSERT_FALSE(uut.full()) << i;
  }
  EXPECT_LE(std::filesystem::file_size(path()), 8 * mebibyte);
  EXPECT_EQ(read(uut, 1961, 65'536), expected());
}

TEST_F(HeldLines, IsAlwaysWhatASimpleListWouldBe) {
  std::mt19937 random{42};
  for (auto round = 0; round < 4; ++round) {
    model.clear();
    held_lines uut{where.path().string(), 4 * mebibyte};
    std::int64_t number = 0;
    for (auto step = 0; step < 300; ++step) {
      auto many = random() % 12;
      for (std::size_t i = 0; i < many; ++i) {
        auto size = random() % 8 == 0 ? random() % 900'000 : random() % 3000;
        if (!uut.full())
          add(uut, ++number, size);
      }
      if (random() % 3 == 0 && !uut.empty()) {
        auto held = static_cast<std::uint64_t>(uut.last() - uut.first() + 1);
        drop(uut, uut.first() + static_cast<std::int64_t>(random() % held)
                    - static_cast<std::int64_t>(random() % 2));
      }
      ASSERT_EQ(uut.last(), number);
      ASSERT_EQ(uut.first(), model.empty() ? number + 1 : model.front().number);
      if (step % 20 == 0 && !model.empty()) {
        auto from
          = uut.first() + static_cast<std::int64_t>(random() % model.size());
        ASSERT_TRUE(read(uut, from, 1 + random() % 70'000) == expected(from));
      }
    }
    EXPECT_EQ(uut.save(), 0);
    EXPECT_TRUE(left() == expected());
  }
}

TEST(LineTime, WritesTimesLikeTheKubelet) {
  line_time uut;
  EXPECT_EQ(uut.format(0), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(uut.format(1'704'128'645'678'901'234),
            "2024-01-01T17:04:05.678901234Z");
  EXPECT_EQ(uut.format(1'704'128'645'000'000'009),
            "2024-01-01T17:04:05.000000009Z");
  EXPECT_EQ(uut.format(1'709'210'096'999'999'999),
            "2024-02-29T12:34:56.999999999Z");
  auto now = podlog::parse_time(uut.now());
  ASSERT_TRUE(now);
  EXPECT_LE(*now, std::chrono::system_clock::now());
}
