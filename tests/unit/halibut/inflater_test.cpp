#include <gtest/gtest.h>
#include <random>
#include <zlib.h>

#include "infra/halibut/inflater.hpp"

using namespace cuttle;
using namespace cuttle::halibut;

namespace {

/// Any bytes behind a correct length, as a document of `size` bytes; the
/// inflater looks no deeper.
bson_bytes document(std::size_t size, bool repetitive = false) {
  std::mt19937 random{7};
  bson_bytes result(size);
  for (auto& x : result)
    x = repetitive ? 'x' : static_cast<std::uint8_t>(random() % 50);
  for (int i = 0; i < 4; ++i)
    result[i] = static_cast<std::uint8_t>(size >> (8 * i));
  result.back() = 0;
  return result;
}

bson_bytes compress(const bson_bytes& plain, int level, int bits = -15,
                    int flush = Z_FINISH, int strategy = Z_DEFAULT_STRATEGY) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, level, Z_DEFLATED, bits, 8, strategy), Z_OK);
  bson_bytes result(deflateBound(&stream, plain.size()) + 1'000);
  stream.next_in = const_cast<Bytef*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = result.data();
  stream.avail_out = static_cast<uInt>(result.size());
  if (flush != Z_FINISH)
    deflate(&stream, flush);
  deflate(&stream, Z_FINISH);
  result.resize(result.size() - stream.avail_out);
  deflateEnd(&stream);
  return result;
}

outcome<bson_bytes> inflate(const bson_bytes& bytes,
                            const halibut::limits& limits = {}) {
  inflater stream{limits};
  auto taken = stream.feed(bytes);
  if (!taken)
    return tl::unexpected(taken.error());
  if (!stream.done())
    return fail(errc::unavailable, "not done");
  return stream.take();
}

} // namespace

TEST(Inflater, ReadsAnyLevelAndBlockStructure_HAL48) {
  for (std::size_t size : {5, 14, 1'000, 65'536, 300'000})
    for (int level : {0, 1, 6, 9})
      for (int flush : {Z_FINISH, Z_SYNC_FLUSH, Z_FULL_FLUSH})
        for (int strategy : {Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY}) {
          auto plain = document(size);
          EXPECT_EQ(inflate(compress(plain, level, -15, flush, strategy)),
                    plain);
        }
}

TEST(Inflater, LeavesWhatFollows_HAL49) {
  auto plain = document(1'000);
  auto bytes = compress(plain, 6);
  auto size = bytes.size();
  for (auto c : std::string{"NEXT\r\n"})
    bytes.push_back(static_cast<std::uint8_t>(c));
  inflater stream{{}};
  EXPECT_EQ(stream.feed(bytes), size);
  EXPECT_TRUE(stream.done());
  EXPECT_EQ(stream.feed(bytes), 0u);
  EXPECT_EQ(stream.take(), plain);
}

TEST(Inflater, IsUsedAgainAndAgain) {
  inflater stream{{}};
  for (std::size_t size : {100, 100'000, 5}) {
    auto plain = document(size);
    auto bytes = compress(plain, 6);
    EXPECT_EQ(stream.feed(bytes), bytes.size());
    EXPECT_EQ(stream.take(), plain);
  }
  EXPECT_TRUE(stream.feed(bson_bytes{0x63}));
  stream.reset();
  auto bytes = compress(document(50), 6);
  EXPECT_EQ(stream.feed(bytes), bytes.size());
  EXPECT_TRUE(stream.done());
}

TEST(Inflater, RefusesHeadersOfZlibAndGzip_HAL51) {
  auto plain = document(1'000);
  EXPECT_FALSE(inflate(compress(plain, 6, 15)));
  EXPECT_FALSE(inflate(compress(plain, 6, 31)));
}

TEST(Inflater, RefusesControlLines) {
  for (std::string text : {"NEXT\r\n", "END\r\n", "PROCEED\r\n"})
    EXPECT_FALSE(inflate(bson_bytes{text.begin(), text.end()}));
}

TEST(Inflater, RefusesAnEarlyEnd) {
  auto plain = document(1'000);
  auto shorter = plain;
  shorter.resize(999);
  auto result = inflate(compress(shorter, 6));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::protocol_error);
  EXPECT_FALSE(inflate(compress({1, 2, 3}, 6)));
}

TEST(Inflater, RefusesImpossibleLengths) {
  for (bson_bytes head : {bson_bytes{4, 0, 0, 0, 0}, bson_bytes{0, 0, 0, 0, 0},
                          bson_bytes{0, 0, 0, 0x80, 0}}) {
    auto result = inflate(compress(head, 6));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::protocol_error);
  }
}

TEST(Inflater, IgnoresALittleAfterTheDocument_HAL55) {
  auto plain = document(1'000);
  auto more = plain;
  more.resize(1'000 + 4'096, 7);
  EXPECT_EQ(inflate(compress(more, 6)), plain);
  more.resize(1'000 + 4'097, 7);
  EXPECT_FALSE(inflate(compress(more, 6)));
}

TEST(Inflater, HasALimitOfSize_HAL54) {
  halibut::limits limits;
  limits.message_bytes = 5'000;
  EXPECT_TRUE(inflate(compress(document(5'000), 6), limits));
  auto result = inflate(compress(document(5'001), 6), limits);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::overloaded);
}

TEST(Inflater, RefusesABombEarly_HAL54) {
  auto bomb = compress(document(50'000'000, true), 9);
  ASSERT_LT(bomb.size(), 100'000u);
  inflater stream{{}};
  std::size_t fed = 0;
  outcome<std::size_t> result = 0;
  for (; result && fed < bomb.size(); fed += 1'000)
    result = stream.feed(std::span{bomb}.subspan(
      fed, std::min<std::size_t>(1'000, bomb.size() - fed)));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::overloaded);
  EXPECT_LT(fed, 20'000u);
}

TEST(Inflater, LetsOrdinaryTextOfAnySizePass) {
  std::string line = "2026-01-01T00:00:00 some ordinary line of a log\n";
  auto plain = document(8'000'000, true);
  for (std::size_t i = 4; i + 1 < plain.size(); ++i)
    plain[i] = static_cast<std::uint8_t>(i % 97 == 0 ? 'a' + i / 97 % 26
                                                     : line[i % line.size()]);
  EXPECT_EQ(inflate(compress(plain, 6)), plain);
}

TEST(Deflater, WritesWhatAnInflaterEndsExactly_HAL52) {
  for (std::size_t size :
       {14, 1'000, 4'096, 4'097, 65'536, 65'537, 1'000'000}) {
    auto plain = document(size);
    auto bytes = deflate_message(plain);
    inflater stream{{}};
    EXPECT_EQ(stream.feed(bytes), bytes.size());
    EXPECT_TRUE(stream.done());
    EXPECT_EQ(stream.take(), plain);
  }
}

TEST(Deflater, EndsLargeMessagesWithAStoredByte_HAL53) {
  const bson_bytes ending = {0x01, 0x01, 0x00, 0xFE, 0xFF, 0x00};
  for (std::size_t size : {65'537, 300'000}) {
    auto bytes = deflate_message(document(size));
    EXPECT_TRUE(std::equal(ending.rbegin(), ending.rend(), bytes.rbegin()));
    // A receiver that wants exactly the document needs every byte.
    z_stream stream{};
    inflateInit2(&stream, -15);
    bson_bytes plain(size);
    stream.next_in = bytes.data();
    stream.avail_in = static_cast<uInt>(bytes.size() - 1);
    stream.next_out = plain.data();
    stream.avail_out = static_cast<uInt>(size);
    inflate(&stream, Z_SYNC_FLUSH);
    EXPECT_EQ(stream.avail_out, 1u);
    inflateEnd(&stream);
  }
  auto small = deflate_message(document(65'536));
  EXPECT_FALSE(std::equal(ending.rbegin(), ending.rend(), small.rbegin()));
}

// One stored block that is the last: five bytes more than the document.
TEST(Deflater, WritesTheNullMessageAsItIs) {
  bson_bytes null
    = {0x0e, 0, 0, 0, 0x0a, 'M', 'e', 's', 's', 'a', 'g', 'e', 0, 0};
  bson_bytes expected = {0x01, 0x0e, 0x00, 0xf1, 0xff};
  expected.insert(expected.end(), null.begin(), null.end());
  EXPECT_EQ(deflate_message(null), expected);
}
