#include <gtest/gtest.h>
#include <random>

#include "infra/podlog/reader.hpp"
#include "tests/unit/podlog/sample.hpp"

using namespace cuttle;
using namespace cuttle::podlog;
using advice = reader::advice;

namespace {

struct generator {
  std::mt19937 engine;

  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>{low, high}(engine);
  }
};

// A whole log and the offsets of its lines.
struct sample_log {
  std::string text;
  std::vector<std::size_t> begin;

  explicit sample_log(std::int64_t count) {
    for (std::int64_t i = 1; i <= count; ++i) {
      begin.push_back(text.size());
      text += test::log_lines(i, i);
    }
    begin.push_back(text.size());
  }

  std::int64_t count() const {
    return static_cast<std::int64_t>(begin.size()) - 1;
  }

  // Lines from number `first` up to the byte `end`.
  std::string_view from(std::int64_t first, std::size_t end) const {
    auto start = begin[static_cast<std::size_t>(first - 1)];
    return std::string_view{text}.substr(start, std::max(start, end) - start);
  }
};

} // namespace

TEST(ReaderProperty, RandomWindowsGiveEachLineOnceAndInOrder_LOG11) {
  const sample_log log{200};
  for (unsigned seed = 1; seed <= 100; ++seed) {
    generator random{std::mt19937{seed}};
    reader uut{test::vector_key(), 0};
    std::vector<std::int64_t> seen;
    auto collect = [&] {
      auto batch = uut.take();
      EXPECT_TRUE(batch.remarks.empty()) << batch.remarks[0].text;
      for (auto number : test::numbers(batch))
        seen.push_back(number);
    };
    auto from_start = false;
    while (uut.last_number() < log.count()) {
      auto first = from_start ? 1 : random.between(1, log.count());
      auto end = static_cast<std::size_t>(
        random.between(0, static_cast<std::int64_t>(log.text.size())));
      auto window = log.from(first, end);
      if (random.between(0, 9) == 0)
        window = log.from(first, log.text.size());
      auto result = advice::more;
      while (!window.empty() && result == advice::more) {
        auto size = static_cast<std::size_t>(random.between(1, 3000));
        result = uut.feed(window.substr(0, size));
        window.remove_prefix(std::min(size, window.size()));
        if (random.between(0, 3) == 0)
          collect();
      }
      if (result == advice::more && random.between(0, 1) == 0)
        result = uut.finish();
      from_start = result == advice::reread;
      uut.restart(from_start);
    }
    collect();
    ASSERT_EQ(seen.size(), 200u) << "seed " << seed;
    for (std::size_t i = 0; i < seen.size(); ++i)
      ASSERT_EQ(seen[i], static_cast<std::int64_t>(i) + 1) << "seed " << seed;
  }
}

TEST(ReaderProperty, ARotatingLogIsAccountedForExactly_LOG13) {
  const sample_log log{200};
  for (unsigned seed = 1; seed <= 100; ++seed) {
    generator random{std::mt19937{seed}};
    reader uut{test::vector_key(), 0};
    std::int64_t oldest = 1;
    std::int64_t delivered = 0;
    std::int64_t lost = 0;
    auto from_start = true;
    uut.restart(true);
    while (uut.last_number() < log.count()) {
      // The kubelet drops old lines; a stream starts anywhere in the rest.
      oldest = std::min(log.count(), oldest + random.between(0, 20));
      auto first = from_start ? oldest : random.between(oldest, log.count());
      auto last = random.between(first, log.count());
      auto window = log.from(first, log.begin[static_cast<std::size_t>(last)]);
      from_start = uut.feed(window) == advice::reread;
      auto batch = uut.take();
      delivered += static_cast<std::int64_t>(batch.lines.size());
      for (const auto& remark : batch.remarks)
        lost += std::stoll(remark.text);
      uut.restart(from_start);
    }
    EXPECT_EQ(delivered + lost, log.count()) << "seed " << seed;
  }
}
