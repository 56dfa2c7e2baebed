// One past each limit of what a peer may send: the error names the setting.

#include <bson/bson.h>
#include <gtest/gtest.h>

#include "infra/halibut/bson_scan.hpp"
#include "infra/halibut/data_stream.hpp"
#include "infra/halibut/inflater.hpp"
#include "infra/halibut/limit_names.hpp"

using namespace cuttle;
using namespace cuttle::halibut;

namespace {

template <class T>
void expect_limit(const outcome<T>& x, const char* setting) {
  ASSERT_FALSE(x) << setting;
  EXPECT_EQ(x.error().code, errc::overloaded) << setting;
  EXPECT_NE(x.error().text.find(setting), std::string::npos) << x.error().text;
}

bson_bytes take(bson_t& document) {
  auto data = bson_get_data(&document);
  bson_bytes result{data, data + document.len};
  bson_destroy(&document);
  return result;
}

bson_bytes with_text(std::size_t size) {
  bson_t document = BSON_INITIALIZER;
  std::string text(size, 'x');
  bson_append_utf8(&document, "text", -1, text.data(), static_cast<int>(size));
  return take(document);
}

bson_bytes nested(unsigned depth) {
  bson_bytes result{5, 0, 0, 0, 0};
  for (; depth > 1; --depth) {
    bson_t inner;
    bson_t outer = BSON_INITIALIZER;
    bson_init_static(&inner, result.data(), result.size());
    bson_append_document(&outer, "x", -1, &inner);
    result = take(outer);
  }
  return result;
}

bson_bytes with_streams(int count) {
  bson_t document = BSON_INITIALIZER;
  for (int i = 0; i < count; ++i) {
    bson_t child;
    auto name = std::to_string(i);
    std::array<std::uint8_t, 16> id{};
    bson_append_document_begin(&document, name.c_str(), -1, &child);
    bson_append_binary(&child, "id", -1, BSON_SUBTYPE_UUID, id.data(), 16);
    bson_append_int64(&child, "length", -1, 1);
    bson_append_document_end(&document, &child);
  }
  return take(document);
}

outcome<std::size_t> inflated(const bson_bytes& document,
                              const halibut::limits& limits) {
  inflater reader{limits};
  return reader.feed(deflate_message(document));
}

} // namespace

TEST(Limits, OfAMessageNamesItsSetting) {
  auto document = with_text(10'000);
  halibut::limits limits;
  limits.message_bytes = document.size();
  EXPECT_TRUE(inflated(document, limits));
  limits.message_bytes = document.size() - 1;
  expect_limit(inflated(document, limits), raise::message);
}

TEST(Limits, OfAStringNamesItsSetting) {
  halibut::limits limits;
  limits.string_bytes = 100;
  EXPECT_TRUE(scan_document(with_text(100), limits));
  expect_limit(scan_document(with_text(101), limits), raise::text);
}

TEST(Limits, OfNestingNamesItsSetting) {
  halibut::limits limits;
  limits.nesting = 20;
  EXPECT_TRUE(scan_document(nested(20), limits));
  expect_limit(scan_document(nested(21), limits), raise::nesting);
}

TEST(Limits, OfStreamsNameTheirSettings) {
  halibut::limits limits;
  limits.streams = 3;
  limits.stream_bytes = 7;
  EXPECT_TRUE(scan_document(with_streams(3), limits));
  expect_limit(scan_document(with_streams(4), limits), raise::streams);
  stream_ledger ledger{{{{}, 7}, {{}, 8}}, limits};
  EXPECT_TRUE(ledger.open(format_stream_header({{}, 7})));
  expect_limit(ledger.open(format_stream_header({{}, 8})), raise::stream);
}

// The ratio counts beyond the first 16 MiB.
TEST(Limits, OfTheInflateRatioNamesItsSetting) {
  auto document = with_text(40'000'000);
  halibut::limits limits;
  limits.inflate_ratio = 1'100;
  EXPECT_TRUE(inflated(document, limits));
  limits.inflate_ratio = 100;
  expect_limit(inflated(document, limits), raise::ratio);
}
