// The recorded connections of the real library, in both roles.

#include <bson/bson.h>
#include <gtest/gtest.h>

#include "infra/halibut/bson_scan.hpp"
#include "infra/halibut/control_line.hpp"
#include "infra/halibut/envelope.hpp"
#include "infra/halibut/inflater.hpp"
#include "infra/halibut/preamble.hpp"
#include "vector_file.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace cuttle::halibut::test;

namespace {

bson_bytes inflate(const std::vector<std::uint8_t>& bytes) {
  inflater stream{{}};
  auto taken = stream.feed(bytes);
  EXPECT_TRUE(taken) << taken.error().text;
  EXPECT_TRUE(stream.done());
  EXPECT_EQ(*taken, bytes.size());
  return stream.take();
}

/// The document of a message, from the recording or by inflating.
bson_bytes document_of(const vector_step& step) {
  return step.bytes.empty() ? step.document : inflate(step.bytes);
}

/// One element of a document as relaxed JSON would lose too much: raw bytes of
/// the element called `name` of `Message`.
bson_bytes member(const bson_bytes& document, const char* name) {
  bson_iter_t iter;
  bson_iter_t found;
  auto path = std::string{"Message."} + name;
  EXPECT_TRUE(
    bson_iter_init_from_data(&iter, document.data(), document.size()));
  if (!bson_iter_find_descendant(&iter, path.c_str(), &found))
    return {};
  bson_t wrapped = BSON_INITIALIZER;
  bson_append_iter(&wrapped, "x", -1, &found);
  auto data = bson_get_data(&wrapped);
  bson_bytes result{data, data + wrapped.len};
  bson_destroy(&wrapped);
  return result;
}

std::vector<std::string> member_names(const bson_bytes& document) {
  std::vector<std::string> result;
  bson_iter_t iter;
  bson_iter_t inner;
  bson_iter_init_from_data(&iter, document.data(), document.size());
  if (bson_iter_find(&iter, "Message") && bson_iter_recurse(&iter, &inner))
    while (bson_iter_next(&inner))
      result.emplace_back(bson_iter_key(&inner));
  return result;
}

/// Streams that stand for the placeholders of a recorded document.
std::vector<std::pair<guid, outgoing_stream>>
streams_for(const std::vector<stream_placeholder>& placeholders) {
  std::vector<std::pair<guid, outgoing_stream>> result;
  for (auto& x : placeholders) {
    auto stream = std::make_shared<stream_source>();
    stream->length = x.length;
    result.emplace_back(x.id, stream);
  }
  return result;
}

std::string text_member(const bson_bytes& document, const char* name) {
  auto wrapped = member(document, name);
  bson_iter_t iter;
  if (!bson_iter_init_from_data(&iter, wrapped.data(), wrapped.size())
      || !bson_iter_next(&iter) || !BSON_ITER_HOLDS_UTF8(&iter))
    return {};
  std::uint32_t size = 0;
  auto text = bson_iter_utf8(&iter, &size);
  return {text, size};
}

} // namespace

TEST(Vectors, AreAllThere) {
  std::size_t requests = 0;
  std::size_t responses = 0;
  for (auto& step : vector_steps())
    if (step.kind == "message")
      ++(step.from_worker ? responses : requests);
  EXPECT_GE(requests, 27u);
  EXPECT_GE(responses, 26u);
}

TEST(Vectors, InflateToTheRecordedDocuments_HAL48) {
  std::size_t compared = 0;
  for (auto& step : vector_steps()) {
    if (step.kind == "message" && !step.bytes.empty()
        && !step.document.empty()) {
      EXPECT_EQ(inflate(step.bytes), step.document) << step.file;
      ++compared;
    }
  }
  EXPECT_GE(compared, 40u);
}

TEST(Vectors, InflateFromSingleBytes_HAL50) {
  for (auto& step : vector_steps()) {
    if (step.kind != "message" || step.bytes.empty())
      continue;
    inflater stream{{}};
    for (auto byte : step.bytes) {
      ASSERT_FALSE(stream.done()) << step.file;
      ASSERT_EQ(stream.feed({&byte, 1}), 1u) << step.file;
    }
    ASSERT_TRUE(stream.done()) << step.file;
    EXPECT_EQ(stream.take(), document_of(step)) << step.file;
  }
}

TEST(Vectors, DecodeAndEncodeAsRequests) {
  std::size_t checked = 0;
  for (auto& step : vector_steps()) {
    if (step.kind != "message" || step.from_worker)
      continue;
    auto document = document_of(step);
    if (document.empty())
      continue;
    auto decoded = decode_request(document, {});
    ASSERT_TRUE(decoded) << step.file << ": " << decoded.error().text;
    if (decoded->null) {
      EXPECT_EQ(step.file, "polling-01-null-message");
      EXPECT_TRUE(std::equal(document.begin(), document.end(),
                             null_document().begin(), null_document().end()));
      continue;
    }
    auto& request = decoded->request;
    EXPECT_EQ(request.id, text_member(document, "id"));
    EXPECT_EQ(request.service, text_member(document, "service"));
    EXPECT_EQ(request.method, text_member(document, "method"));
    outgoing_request again;
    again.service = request.service;
    again.method = request.method;
    again.params = request.params;
    again.streams = streams_for(decoded->placeholders);
    auto encoded = encode_request(
      again,
      {request.id, make_guid(), text_member(document, "endpoint.BaseUri"),
       text_member(document, "endpoint.RemoteThumbprint")},
      {});
    ASSERT_TRUE(encoded) << step.file << ": " << encoded.error().text;
    EXPECT_EQ(member_names(*encoded), member_names(document)) << step.file;
    for (auto name : {"$type", "id", "endpoint", "service", "method", "params"})
      EXPECT_EQ(member(*encoded, name), member(document, name))
        << step.file << ": " << name;
    ++checked;
  }
  EXPECT_GE(checked, 26u);
}

TEST(Vectors, DecodeAndEncodeAsResponses_HAL56) {
  std::size_t checked = 0;
  for (auto& step : vector_steps()) {
    if (step.kind != "message" || !step.from_worker)
      continue;
    auto document = document_of(step);
    if (document.empty())
      continue;
    auto decoded = decode_response(document, {});
    ASSERT_TRUE(decoded) << step.file << ": " << decoded.error().text;
    rpc_response again;
    again.id = decoded->response.id;
    again.error = decoded->response.error;
    again.result = decoded->response.result;
    again.streams = streams_for(decoded->placeholders);
    auto encoded = encode_response(again, {});
    ASSERT_TRUE(encoded) << step.file << ": " << encoded.error().text;
    EXPECT_EQ(*encoded, document) << step.file;
    ++checked;
  }
  EXPECT_GE(checked, 25u);
}

TEST(Vectors, AnnounceTheirStreams_HAL69) {
  std::vector<stream_placeholder> expected;
  std::string file;
  std::size_t seen = 0;
  for (auto& step : vector_steps()) {
    if (step.kind == "message") {
      EXPECT_TRUE(expected.empty()) << file;
      file = step.file;
      auto document = document_of(step);
      if (!document.empty())
        expected = scan_document(document, {}).value();
    } else if (step.kind == "stream") {
      ASSERT_FALSE(expected.empty()) << step.file;
      EXPECT_EQ(to_string(expected[0].id), step.stream_id) << step.file;
      EXPECT_EQ(expected[0].length, step.stream_length) << step.file;
      if (!step.bytes.empty()) {
        stream_ledger ledger{{expected[0]}, {}};
        std::span all{step.bytes};
        EXPECT_EQ(ledger.open(all.first<stream_header_bytes>()), expected[0]);
        EXPECT_TRUE(
          stream_ledger::close(expected[0], all.last<stream_trailer_bytes>()));
        auto header = format_stream_header(expected[0]);
        EXPECT_TRUE(std::equal(header.begin(), header.end(), all.begin()));
      }
      expected.erase(expected.begin());
      ++seen;
    } else {
      EXPECT_TRUE(expected.empty()) << file;
    }
  }
  EXPECT_GE(seen, 7u);
}

TEST(Vectors, HoldControlLinesAndIdentitiesThatParse) {
  std::size_t lines = 0;
  for (auto& step : vector_steps()) {
    if (step.kind == "preamble") {
      preamble_reader reader{20'000};
      EXPECT_EQ(reader.feed(step.bytes), step.bytes.size());
      EXPECT_TRUE(reader.done() && reader.is_halibut());
    } else if (step.kind == "identity") {
      line_reader reader{8'192};
      auto taken = reader.feed(step.bytes);
      ASSERT_TRUE(taken && reader.done());
      auto identity = parse_identity(reader.line());
      ASSERT_TRUE(identity);
      std::string text{step.bytes.begin(), step.bytes.end()};
      EXPECT_EQ(format_identity(*identity), text);
    } else if (step.kind == "control") {
      line_reader reader{8'192};
      EXPECT_EQ(reader.feed(step.bytes), step.bytes.size());
      EXPECT_TRUE(reader.done());
      ++lines;
    }
  }
  EXPECT_GE(lines, 50u);
}
