#include <bson/bson.h>
#include <gtest/gtest.h>

#include "infra/halibut/envelope.hpp"
#include "vector_file.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace cuttle::halibut::test;

namespace {

constexpr auto request_type
  = "Halibut.Transport.Protocol.RequestMessage, Halibut";
constexpr auto response_type
  = "Halibut.Transport.Protocol.ResponseMessage, Halibut";

bson_bytes take(bson_t& x) {
  auto data = bson_get_data(&x);
  bson_bytes result{data, data + x.len};
  bson_destroy(&x);
  return result;
}

/// A document whose `Message` is what `fill` appends.
template <class F>
bson_bytes message(F fill, const char* root = "Message") {
  bson_t document = BSON_INITIALIZER;
  bson_t inner;
  bson_append_document_begin(&document, root, -1, &inner);
  fill(&inner);
  bson_append_document_end(&document, &inner);
  return take(document);
}

void text(bson_t* x, const char* key, const char* value) {
  bson_append_utf8(x, key, -1, value, -1);
}

bson_bytes text_document(const char* key, const char* value) {
  bson_t document = BSON_INITIALIZER;
  text(&document, key, value);
  return take(document);
}

} // namespace

TEST(NullMessage, IsNullOrEmpty) {
  EXPECT_TRUE(decode_request(null_document(), {})->null);
  EXPECT_TRUE(decode_request(bson_bytes{5, 0, 0, 0, 0}, {})->null);
  EXPECT_FALSE(decode_response(null_document(), {}));
}

TEST(Request, IsReadWithoutTypeInAnyCaseAndWithUnknownMembers_HAL63_HAL68) {
  auto document = message(
    [](bson_t* x) {
      text(x, "Surprise", "x");
      text(x, "METHOD", "m");
      text(x, "Id", "i");
      text(x, "SeRvIcE", "s");
      text(x, "$type",
           "Halibut.Transport.Protocol.RequestMessage, Halibut, "
           "Version=1.0.0.0");
    },
    "message");
  auto result = decode_request(document, {});
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_EQ(result->request.id, "i");
  EXPECT_EQ(result->request.service, "s");
  EXPECT_EQ(result->request.method, "m");
  EXPECT_EQ(result->request.params, (bson_bytes{5, 0, 0, 0, 0}));
}

TEST(Request, LacksNothingItNeeds) {
  for (auto missing : {"id", "service", "method"}) {
    auto document = message([&](bson_t* x) {
      for (auto name : {"id", "service", "method"})
        if (std::string{name} != missing)
          text(x, name, "x");
    });
    auto result = decode_request(document, {});
    ASSERT_FALSE(result) << missing;
    EXPECT_EQ(result.error().code, errc::protocol_error);
  }
}

TEST(Request, IsNothingOfAnotherShape) {
  auto filled = [](const char* type, bool params) {
    return message([=](bson_t* x) {
      text(x, "$type", type);
      for (auto name : {"id", "service", "method"})
        text(x, name, "x");
      if (params)
        text(x, "params", "x");
    });
  };
  EXPECT_TRUE(decode_request(filled(request_type, false), {}));
  EXPECT_FALSE(decode_request(filled(request_type, true), {}));
  EXPECT_FALSE(decode_request(filled(response_type, false), {}));
  EXPECT_FALSE(decode_request(text_document("Message", "x"), {}));
}

TEST(Response, IsWrittenAsTheRealOne_HAL56) {
  // `halibut` 19.2.
  rpc_response plain;
  plain.id = "x";
  EXPECT_EQ(
    encode_response(plain, {}),
    decode_base64(
      "awAAAANNZXNzYWdlAF0AAAACJHR5cGUANAAAAEhhbGlidXQuVHJhbnNwb3J0LlByb3RvY29s"
      "LlJlc3BvbnNlTWVzc2FnZSwgSGFsaWJ1dAACaWQAAgAAAHgACmVycm9yAApyZXN1bHQAAAA"
      "="));
  rpc_response failed;
  failed.id = "x";
  failed.error
    = server_error{"Service not found: IFoo", "d",
                   "Halibut.Exceptions.ServiceNotFoundHalibutClientException"};
  EXPECT_EQ(
    encode_response(failed, {}),
    decode_base64(
      "8wAAAANNZXNzYWdlAOUAAAACJHR5cGUANAAAAEhhbGlidXQuVHJhbnNwb3J0LlByb3RvY29s"
      "LlJlc3BvbnNlTWVzc2FnZSwgSGFsaWJ1dAACaWQAAgAAAHgAA2Vycm9yAIgAAAACbWVzc2Fn"
      "ZQAYAAAAU2VydmljZSBub3QgZm91bmQ6IElGb28AAmRldGFpbHMAAgAAAGQAAkhhbGlidXRF"
      "cnJvclR5cGUAOQAAAEhhbGlidXQuRXhjZXB0aW9ucy5TZXJ2aWNlTm90Rm91bmRIYWxpYnV0"
      "Q2xpZW50RXhjZXB0aW9uAAAKcmVzdWx0AAAA"));
}

TEST(Response, AlwaysHasMessageAndDetailsAndValidText_HAL64_HAL79) {
  rpc_response failed;
  failed.id = "x";
  failed.error = server_error{std::string(300, '\xFF'), "", std::nullopt};
  auto encoded = encode_response(failed, {});
  ASSERT_TRUE(encoded);
  auto decoded = decode_response(*encoded, {});
  ASSERT_TRUE(decoded) << decoded.error().text;
  EXPECT_EQ(decoded->response.error->message.size(), 900u);
  EXPECT_FALSE(decoded->response.error->halibut_type);
}

TEST(Response, CarriesAPrimitiveResult) {
  rpc_response response;
  response.id = "x";
  response.result = text_document("result", "plain text");
  auto decoded = decode_response(encode_response(response, {}).value(), {});
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->response.result, response.result);
}

TEST(Response, IsReadWithoutErrorAndType) {
  auto document = message([](bson_t* x) { text(x, "ID", "i"); });
  auto result = decode_response(document, {});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->response.id, "i");
  EXPECT_FALSE(result->response.error);
  EXPECT_TRUE(result->response.result.empty());
}

TEST(Response, IsNotWrittenWithAnInvalidResult) {
  rpc_response response;
  response.id = "x";
  response.result = {9, 0, 0, 0, 0};
  EXPECT_EQ(encode_response(response, {}).error().code, errc::internal);
  response.result = {5, 0, 0, 0, 0};
  EXPECT_EQ(encode_response(response, {}).error().code, errc::internal);
  response.result = {};
  response.streams.emplace_back(make_guid(), std::make_shared<stream_source>());
  EXPECT_EQ(encode_response(response, {}).error().code, errc::internal);
}

TEST(Messages, KeepNulInText_HAL65) {
  bson_t params = BSON_INITIALIZER;
  bson_append_utf8(&params, "0", -1, "a\0b", 3);
  outgoing_request request;
  request.service = "S";
  request.method = "M";
  request.params = take(params);
  auto encoded
    = encode_request(request, {"i", make_guid(), "poll://x/", "AB"}, {});
  ASSERT_TRUE(encoded);
  EXPECT_EQ(decode_request(*encoded, {})->request.params, request.params);
}
