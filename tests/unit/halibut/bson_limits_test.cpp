#include <bson/bson.h>
#include <gtest/gtest.h>

#include "infra/halibut/bson_scan.hpp"
#include "infra/halibut/envelope.hpp"

using namespace cuttle;
using namespace cuttle::halibut;

namespace {

void put_length(bson_bytes& x, std::size_t at, std::size_t value) {
  for (int i = 0; i < 4; ++i)
    x[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

/// A document nested `depth` deep, as array or object.
bson_bytes nested(std::size_t depth, std::uint8_t type = 0x03) {
  // 4 length, then for each inner level: type, "0", NUL; last, the ends.
  bson_bytes result;
  for (std::size_t i = 0; i < depth; ++i) {
    result.insert(result.end(), {0, 0, 0, 0});
    if (i + 1 < depth)
      result.insert(result.end(), {type, '0', 0});
  }
  result.insert(result.end(), depth, 0);
  for (std::size_t i = 0; i < depth; ++i)
    put_length(result, i * 7, result.size() - i * 8);
  return result;
}

struct builder {
  bson_t document = BSON_INITIALIZER;
  ~builder() {
    bson_destroy(&document);
  }
  bson_bytes bytes() const {
    auto data = bson_get_data(&document);
    return {data, data + document.len};
  }
};

// The same each time: a byte that happens to be a type would make a good
// document of a damaged one.
constexpr guid some_id{0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7,
                       0xF8, 0xF9, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xEF};

void add_placeholder(builder& x, const char* key, std::int64_t length,
                     bson_subtype_t subtype = BSON_SUBTYPE_UUID) {
  bson_t child;
  bson_append_document_begin(&x.document, key, -1, &child);
  bson_append_binary(&child, "id", -1, subtype, some_id.data(), 16);
  bson_append_int64(&child, "length", -1, length);
  bson_append_document_end(&x.document, &child);
}

} // namespace

TEST(Scan, AcceptsTheNestingLimitAndNotOneMore) {
  for (std::uint8_t type : {0x03, 0x04}) {
    EXPECT_TRUE(scan_document(nested(64, type), {}));
    auto result = scan_document(nested(65, type), {});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, errc::overloaded);
  }
}

TEST(Scan, RefusesADocumentNestedTenThousandDeep_HAL91) {
  auto document = nested(10'000);
  EXPECT_FALSE(scan_document(document, {}));
  EXPECT_FALSE(decode_request(document, {}));
  EXPECT_FALSE(decode_response(document, {}));
}

TEST(Scan, FindsPlaceholdersInTheirOrder_HAL69) {
  builder x;
  add_placeholder(x, "a", 3);
  bson_append_int32(&x.document, "length", -1, 17);
  bson_append_null(&x.document, "stream", -1);
  add_placeholder(x, "b", 0);
  auto result = scan_document(x.bytes(), {});
  ASSERT_TRUE(result);
  EXPECT_EQ(*result,
            (std::vector<stream_placeholder>{{some_id, 3}, {some_id, 0}}));
}

TEST(Scan, AcceptsEverySubtypeOfAGuid_HAL58) {
  for (auto subtype :
       {BSON_SUBTYPE_UUID, BSON_SUBTYPE_UUID_DEPRECATED, BSON_SUBTYPE_BINARY}) {
    builder x;
    add_placeholder(x, "a", 3, subtype);
    EXPECT_EQ(scan_document(x.bytes(), {}).value().size(), 1u);
  }
  builder other;
  add_placeholder(other, "a", 3, BSON_SUBTYPE_MD5);
  EXPECT_EQ(scan_document(other.bytes(), {}).value().size(), 0u);
}

TEST(Scan, AcceptsAGuidAsTextAmongNothingElse_HAL58) {
  builder x;
  for (auto extra : {false, true}) {
    bson_t child;
    bson_append_document_begin(&x.document, "x", -1, &child);
    bson_append_utf8(&child, "$type", -1, "Halibut.DataStream, Halibut", -1);
    bson_append_utf8(&child, "id", -1, to_string(some_id).c_str(), -1);
    bson_append_int32(&child, "length", -1, 3);
    if (extra)
      bson_append_int32(&child, "Something", -1, 3);
    bson_append_document_end(&x.document, &child);
  }
  auto result = scan_document(x.bytes(), {});
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, (std::vector<stream_placeholder>{{some_id, 3}}));
}

TEST(Scan, RefusesNegativeLengthsAndTooManyStreams_HAL72) {
  builder negative;
  add_placeholder(negative, "a", -1);
  EXPECT_EQ(scan_document(negative.bytes(), {}).error().code,
            errc::protocol_error);
  halibut::limits limits;
  limits.streams = 2;
  builder many;
  add_placeholder(many, "a", 1);
  add_placeholder(many, "b", 1);
  EXPECT_TRUE(scan_document(many.bytes(), limits));
  add_placeholder(many, "c", 1);
  EXPECT_EQ(scan_document(many.bytes(), limits).error().code, errc::overloaded);
}

TEST(Scan, RefusesEveryWrongLength_HAL91) {
  builder x;
  bson_append_utf8(&x.document, "text", -1, "abc", -1);
  add_placeholder(x, "stream", 3);
  auto good = x.bytes();
  ASSERT_TRUE(scan_document(good, {}));
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(scan_document(std::span{good}.first(size), {})) << size;
  // The lengths of the root, the text, the object and the binary.
  for (std::size_t at : {0u, 10u, 26u, 34u})
    for (int change : {-1, 1, 100}) {
      auto bad = good;
      bad[at] = static_cast<std::uint8_t>(bad[at] + change);
      EXPECT_FALSE(scan_document(bad, {})) << at << ' ' << change;
    }
}

TEST(Scan, RefusesAnEarlyEndOfADocument_HAL91) {
  builder x;
  bson_append_int32(&x.document, "a", -1, 1);
  bson_append_int32(&x.document, "b", -1, 1);
  auto bad = x.bytes();
  bad[4] = 0;
  EXPECT_FALSE(scan_document(bad, {}));
}

TEST(Scan, RefusesTextThatIsNotUtf8AndAllowsNul_HAL65) {
  builder good;
  bson_append_utf8(&good.document, "x", -1, "a\0b", 3);
  EXPECT_TRUE(scan_document(good.bytes(), {}));
  auto bad = good.bytes();
  bad[bad.size() - 3] = 0xFF;
  EXPECT_FALSE(scan_document(bad, {}));
}

TEST(EncodeResponse, ReplacesWhatIsNotUtf8InTheTextOfAnError_HAL64) {
  rpc_response response;
  response.id = "1";
  response.error.emplace();
  response.error->message = "h\xE9llo";
  response.error->details = "cut \xE2\x82";
  auto document = encode_response(response, {});
  ASSERT_TRUE(document);
  std::string bytes{document->begin(), document->end()};
  EXPECT_NE(bytes.find("h\xEF\xBF\xBDllo"), std::string::npos);
  EXPECT_NE(bytes.find("cut \xEF\xBF\xBD"), std::string::npos);
  EXPECT_EQ(bytes.find('\xE9'), std::string::npos);
}

TEST(Ledger, AcceptsStreamsInAnyOrderAndEachOnce_HAL70) {
  auto other = make_guid();
  stream_ledger ledger{{{some_id, 1}, {other, 2}, {some_id, 1}}, {}};
  EXPECT_TRUE(ledger.open(format_stream_header({other, 2})));
  EXPECT_TRUE(ledger.open(format_stream_header({some_id, 1})));
  EXPECT_FALSE(ledger.open(format_stream_header({other, 2})));
  EXPECT_TRUE(ledger.open(format_stream_header({some_id, 1})));
  EXPECT_EQ(ledger.left(), 0u);
  EXPECT_FALSE(ledger.open(format_stream_header({some_id, 1})));
}

TEST(Ledger, RefusesWhatDoesNotFit_HAL72) {
  halibut::limits limits;
  limits.stream_bytes = 10;
  stream_ledger ledger{{{some_id, 10}}, limits};
  EXPECT_FALSE(ledger.open(format_stream_header({make_guid(), 10})));
  EXPECT_FALSE(ledger.open(format_stream_header({some_id, 9})));
  EXPECT_FALSE(ledger.open(format_stream_header({some_id, -10})));
  EXPECT_EQ(ledger.open(format_stream_header({some_id, 11})).error().code,
            errc::overloaded);
  EXPECT_TRUE(ledger.open(format_stream_header({some_id, 10})));
  EXPECT_FALSE(stream_ledger::close({some_id, 10}, format_stream_trailer(11)));
  EXPECT_TRUE(stream_ledger::close({some_id, 10}, format_stream_trailer(10)));
}
