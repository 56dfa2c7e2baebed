// Every reader of the wire against bytes that nobody made: noise, and good
// bytes with some of them changed. (tests/fuzz looks further.)

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <string>

#include "infra/halibut/control_line.hpp"
#include "infra/halibut/data_stream.hpp"
#include "infra/halibut/envelope.hpp"
#include "infra/halibut/inflater.hpp"
#include "infra/halibut/preamble.hpp"

using namespace cuttle::halibut;

namespace {

constexpr int rounds = 20'000;

using bytes = std::vector<std::uint8_t>;

class Noise : public testing::Test {
protected:
  bytes noise() {
    bytes result(1 + random_() % 300);
    for (auto& x : result)
      x = static_cast<std::uint8_t>(random_());
    return result;
  }

  bytes damaged(bytes good) {
    for (auto n = 1 + random_() % 4; n > 0; --n)
      good[random_() % good.size()] = static_cast<std::uint8_t>(random_());
    if (random_() % 8 == 0)
      good.resize(random_() % good.size());
    return good;
  }

  // Feeds in pieces; the reader ends, fails, or has taken everything.
  template <class Reader>
  bool feed(Reader& reader, std::span<const std::uint8_t> input) {
    while (!input.empty() && !reader.done()) {
      auto size = std::min<std::size_t>(1 + random_() % 50, input.size());
      auto taken = reader.feed(input.first(size));
      if (!taken)
        return false;
      EXPECT_LE(*taken, size);
      EXPECT_TRUE(*taken == size || reader.done()) << "it does not move";
      if (*taken != size && !reader.done())
        return false;
      input = input.subspan(*taken);
    }
    return reader.done();
  }

  static bytes request() {
    outgoing_request result;
    result.service = "IService";
    result.method = "Method";
    result.params = {5, 0, 0, 0, 0};
    return encode_request(result, {"id", {}, "poll://x/", "AB"}, {}).value();
  }

  std::mt19937 random_{20261123};
};

} // namespace

TEST_F(Noise, NeverHarmsTheReadersOfLines_HAL91) {
  for (int i = 0; i < rounds; ++i) {
    line_reader line{100};
    feed(line, noise());
    EXPECT_LE(line.line().size(), 100u);
    preamble_reader preamble{200};
    feed(preamble, noise());
  }
}

TEST_F(Noise, NeverHarmsTheInflater_HAL91) {
  limits small;
  small.message_bytes = 100'000;
  auto good = deflate_message(request());
  auto ended = 0;
  inflater reader{small};
  for (int i = 0; i < rounds; ++i) {
    if (feed(reader, i % 2 == 0 ? noise() : damaged(good))) {
      ++ended;
      EXPECT_LE(reader.take().size(), small.message_bytes);
    }
    reader.reset();
  }
  EXPECT_GT(ended, 0) << "not one of them was read to its end";
}

TEST_F(Noise, NeverHarmsTheReadersOfDocuments_HAL91) {
  auto good = request();
  auto read = 0;
  for (int i = 0; i < rounds; ++i) {
    auto document = i % 2 == 0 ? noise() : damaged(good);
    if (decode_request(document, {}))
      ++read;
    (void)decode_response(document, {});
  }
  EXPECT_GT(read, 0);
  EXPECT_LT(read, rounds);
}

TEST_F(Noise, NeverHarmsTheReaderOfStreams_HAL91) {
  stream_placeholder expected{{1, 2, 3}, 5};
  auto good = format_stream_header(expected);
  auto opened = 0;
  for (int i = 0; i < rounds; ++i) {
    auto header = damaged({good.begin(), good.end()});
    header.resize(stream_header_bytes);
    stream_ledger ledger{{expected}, {}};
    auto x
      = ledger.open(std::span<const std::uint8_t, stream_header_bytes>{header});
    if (!x)
      continue;
    ++opened;
    EXPECT_EQ(*x, expected) << "a stream that nobody announced";
    auto end = noise();
    end.resize(stream_trailer_bytes);
    (void)stream_ledger::close(
      *x, std::span<const std::uint8_t, stream_trailer_bytes>{end});
  }
  EXPECT_LT(opened, rounds);
}
