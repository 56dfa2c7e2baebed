#include <gtest/gtest.h>

#include "documents.hpp"
#include "infra/crypto/text_encoding.hpp"
#include "infra/tentacle/client.hpp"
#include "infra/tentacle/errors.hpp"
#include "support.hpp"

namespace cuttle::tentacle {

namespace {

using namespace test;

script_status status_with(std::string text) {
  script_status result;
  result.ticket.task_id = "0aBcDeFgHiJkLmNoPqRsTu";
  result.lines.push_back({output_source::err,
                          timestamp{std::chrono::milliseconds{1704128645678}},
                          std::move(text)});
  result.next_sequence = 42;
  result.state = process_state::complete;
  result.exit_code = exit_pod_not_found;
  return result;
}

script_status round_trip(const script_status& status) {
  return read_status(as_received(encode("id", status))).value();
}

// The members that are null.
std::vector<std::string> nulls_in(const halibut::bson_bytes& document) {
  auto result = layout(document);
  std::erase_if(result, [](auto& x) { return !x.ends_with(": 10"); });
  return result;
}

} // namespace

TEST(Encode, WritesTheDocumentsOfTheSpecification_HAL57) {
  EXPECT_EQ(encode_capabilities("x").result,
            response_from(capabilities_response).result);
  EXPECT_EQ(encode("x", status_with("h\xC3\xA9llo")).result,
            response_from(status_response).result);
  uploaded_file file{"/octopus/Files/foo.zip",
                     "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d", 5};
  EXPECT_EQ(encode("x", file).result, response_from(upload_response).result);
  EXPECT_TRUE(read_nothing(response_from(void_response)));
  auto source = std::make_shared<stream_source>();
  source->length = 59;
  auto ours = encode("x", downloaded_file{source});
  auto expected = response_from(stream_response).result;
  EXPECT_EQ(ours.result.size(), expected.size());
  EXPECT_EQ(layout(ours.result), layout(expected));
}

TEST(Encode, WritesNoNullForAValue_HAL62) {
  script_status empty;
  empty.ticket.task_id = "t";
  uploaded_file nothing{"/a", std::nullopt, 0};
  // What may be null in .NET: the digest of an upload of nothing.
  EXPECT_TRUE(nulls_in(encode("x", empty).result).empty());
  EXPECT_TRUE(nulls_in(encode("x", status_with("a")).result).empty());
  auto nulls = nulls_in(encode("x", nothing).result);
  ASSERT_EQ(nulls.size(), 1u);
  EXPECT_TRUE(nulls[0].ends_with("Hash: 10")) << nulls[0];
}

TEST(Encode, NamesTheResultOfAnUploadAsBefore_HAL66) {
  auto result = encode("x", uploaded_file{"/a", std::nullopt, 0}).result;
  std::string bytes{result.begin(), result.end()};
  EXPECT_NE(bytes.find("Octopus.Shared.Contracts.UploadResult, Octopus.Shared"),
            std::string::npos);
}

TEST(Encode, MakesLinesValid_HAL64) {
  auto clean = round_trip(status_with(std::string(300, '\xFF')));
  ASSERT_EQ(clean.lines.size(), 1u);
  EXPECT_EQ(clean.lines[0].text.size(), 900u);
  EXPECT_TRUE(crypto::valid_utf8(clean.lines[0].text));
  auto result = encode("x", status_with(std::string(300, '\xFF'))).result;
  std::string bytes{result.begin(), result.end()};
  EXPECT_EQ(bytes.find("\xFF\xFF\xFF\xFF\xFF"), std::string::npos);
}

TEST(Encode, KeepsNulEmptyAndLongLines_SVC28) {
  for (auto& text : {std::string{"a\0b", 3}, std::string{},
                     std::string(1024 * 1024, 'x'), std::string{"tab\there"}})
    EXPECT_EQ(round_trip(status_with(text)).lines[0].text, text);
}

TEST(Encode, RoundsTimesDownToMilliseconds_SVC29) {
  auto status = status_with("x");
  auto time_of = [](const script_status& s) {
    return s.lines[0].occurred.time_since_epoch();
  };
  status.lines[0].occurred = timestamp{std::chrono::nanoseconds{1'999'999}};
  EXPECT_EQ(time_of(round_trip(status)), std::chrono::milliseconds{1});
  status.lines[0].occurred = timestamp{std::chrono::nanoseconds{-1}};
  EXPECT_EQ(time_of(round_trip(status)), std::chrono::milliseconds{-1});
}

TEST(Encode, KeepsNumbersOfFullWidth) {
  auto status = status_with("x");
  status.next_sequence = std::numeric_limits<std::int64_t>::max();
  status.exit_code = exit_cancelled;
  status.state = process_state::running;
  auto read = round_trip(status);
  EXPECT_EQ(read.next_sequence, status.next_sequence);
  EXPECT_EQ(read.exit_code, -43);
  EXPECT_EQ(read.state, process_state::running);
  EXPECT_EQ(read.ticket.task_id, status.ticket.task_id);
}

TEST(Encode, KeepsTheOrderOfManyLines_SVC27) {
  script_status status;
  status.ticket.task_id = "T";
  for (int i = 0; i < 20'000; ++i)
    status.lines.push_back({static_cast<output_source>(i % 3),
                            timestamp{std::chrono::milliseconds{i}},
                            "line " + std::to_string(i)});
  EXPECT_EQ(round_trip(status).lines, status.lines);
}

TEST(Encode, RefersToTheStreamOfADownload_HAL75) {
  auto source = std::make_shared<stream_source>();
  source->bytes = "hello";
  source->length = 5;
  auto response = encode("x", downloaded_file{source});
  ASSERT_EQ(response.streams.size(), 1u);
  auto stream = read_download(as_received(response)).value();
  EXPECT_EQ(stream->bytes, "hello");
  EXPECT_NE(encode("x", downloaded_file{source}).streams[0].first,
            response.streams[0].first);
}

TEST(Encode, WritesAZeroLengthStreamForAnEmptyFile_SVC54) {
  auto source = std::make_shared<stream_source>();
  auto response = encode("x", downloaded_file{source});
  ASSERT_EQ(response.streams.size(), 1u);
  EXPECT_EQ(read_download(as_received(response)).value()->length, 0);
}

TEST(Encode, EchoesTheRequestsId) {
  std::string id = "IFoo::BarAsync[1] / 8c381b65-bb84-4e47-a84b-d665b55f8b7f";
  EXPECT_EQ(encode_capabilities(id).id, id);
  EXPECT_EQ(encode_nothing(id).id, id);
  EXPECT_EQ(encode(id, script_status{}).id, id);
  EXPECT_EQ(encode(id, failure{errc::internal, "x"}).id, id);
}

} // namespace cuttle::tentacle
