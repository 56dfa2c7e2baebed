#include "support.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "infra/crypto/cipher.hpp"
#include "tests/folders.hpp"

namespace cuttle::tentacle::test {

namespace {

using halibut::bson_bytes;

// A member of `Message`; type EOD if there is none.
bson_iter_t member(const bson_bytes& envelope, const char* name) {
  bson_iter_t root;
  bson_iter_t message;
  bson_iter_t result{};
  EXPECT_TRUE(
    bson_iter_init_from_data(&root, envelope.data(), envelope.size()));
  EXPECT_TRUE(bson_iter_find(&root, "Message"));
  EXPECT_TRUE(bson_iter_recurse(&root, &message));
  if (bson_iter_find(&message, name))
    result = message;
  return result;
}

std::string text(const bson_iter_t& at) {
  std::uint32_t size = 0;
  auto* data = bson_iter_utf8(&at, &size);
  return data == nullptr ? std::string{} : std::string{data, size};
}

std::string text_in(const bson_iter_t& document, const char* name) {
  bson_iter_t inner;
  if (bson_iter_recurse(&document, &inner) && bson_iter_find(&inner, name))
    return text(inner);
  return {};
}

halibut::rpc_request take_request(const bson_bytes& envelope) {
  halibut::rpc_request result;
  result.id = text(member(envelope, "id"));
  result.service = text(member(envelope, "service"));
  result.method = text(member(envelope, "method"));
  auto params = member(envelope, "params");
  std::uint32_t size = 0;
  const std::uint8_t* data = nullptr;
  bson_iter_array(&params, &size, &data);
  result.params.assign(data, data + size);
  return result;
}

halibut::received_response take_response(const bson_bytes& envelope) {
  halibut::received_response result;
  result.id = text(member(envelope, "id"));
  auto error = member(envelope, "error");
  if (BSON_ITER_HOLDS_DOCUMENT(&error)) {
    halibut::server_error found;
    found.message = text_in(error, "message");
    found.details = text_in(error, "details");
    if (auto type = text_in(error, "HalibutErrorType"); !type.empty())
      found.halibut_type = type;
    result.error = found;
  }
  bson_t document;
  bson_init(&document);
  auto value = member(envelope, "result");
  EXPECT_TRUE(bson_append_iter(&document, "result", -1, &value));
  auto* data = bson_get_data(&document);
  result.result.assign(data, data + document.len);
  bson_destroy(&document);
  return result;
}

void add_types(const bson_iter_t& parent, const std::string& path,
               std::vector<std::string>& out) {
  bson_iter_t at;
  if (!bson_iter_recurse(&parent, &at))
    return;
  while (bson_iter_next(&at)) {
    auto name = path + "/" + bson_iter_key(&at);
    out.push_back(name + ": " + std::to_string(bson_iter_type(&at)));
    if (BSON_ITER_HOLDS_DOCUMENT(&at) || BSON_ITER_HOLDS_ARRAY(&at))
      add_types(at, name, out);
  }
}

} // namespace

exchange load_recorded(const std::string& name) {
  std::ifstream file{tests_folder() + "/vectors/" + name + ".json"};
  EXPECT_TRUE(file) << name;
  auto recording = nlohmann::json::parse(file);
  exchange result;
  std::vector<std::pair<halibut::guid, received_stream>> to_worker;
  std::vector<std::pair<halibut::guid, received_stream>> to_server;
  for (auto& step : recording["steps"]) {
    auto from_server = step["direction"] == "server->worker";
    if (step["kind"] == "message") {
      auto envelope
        = crypto::from_base64(step["bson_base64"].get<std::string>()).value();
      if (from_server)
        result.request = take_request(envelope);
      else
        result.response = take_response(envelope);
    } else if (step["kind"] == "stream") {
      auto id = halibut::parse_guid(step["stream_id"].get<std::string>());
      auto length = step["stream_length"].get<std::size_t>();
      (from_server ? to_worker : to_server)
        .emplace_back(id.value(), stream_of(std::string(length, '\0')));
    }
  }
  result.request.streams = std::move(to_worker);
  result.response.streams = std::move(to_server);
  return result;
}

halibut::rpc_request request_from(std::string_view base64) {
  return take_request(crypto::from_base64(base64).value());
}

halibut::received_response response_from(std::string_view base64) {
  return take_response(crypto::from_base64(base64).value());
}

received_stream stream_of(std::string bytes) {
  auto result = std::make_shared<stream_body>();
  result->length = static_cast<std::int64_t>(bytes.size());
  result->bytes = std::move(bytes);
  return result;
}

halibut::rpc_request
request_of(std::string service, std::string method,
           const std::function<void(document_writer&)>& write) {
  document_writer writer;
  write(writer);
  halibut::rpc_request result;
  result.id = "id";
  result.service = std::move(service);
  result.method = std::move(method);
  result.params = writer.take().value();
  return result;
}

halibut::rpc_request
request_with(std::string service, std::string method,
             const std::function<void(document_writer&)>& write_members) {
  return request_of(std::move(service), std::move(method),
                    [&](document_writer& out) {
                      out.document("0", [&] { write_members(out); });
                    });
}

halibut::received_response as_received(const halibut::rpc_response& response) {
  halibut::received_response result;
  result.id = response.id;
  result.error = response.error;
  result.result = response.result;
  for (auto& [id, source] : response.streams)
    result.streams.emplace_back(id, stream_of(source->bytes));
  return result;
}

service_call decoded(const halibut::rpc_request& request) {
  auto result = decode(request);
  if (auto* error = std::get_if<halibut::server_error>(&result)) {
    ADD_FAILURE() << error->message;
    return {};
  }
  return std::get<service_call>(std::move(result));
}

halibut::server_error rejected(const halibut::rpc_request& request) {
  auto result = decode(request);
  if (auto* error = std::get_if<halibut::server_error>(&result))
    return *error;
  ADD_FAILURE() << "the request was accepted";
  return {};
}

std::vector<std::string> layout(const halibut::bson_bytes& document) {
  std::vector<std::string> result;
  bson_iter_t at;
  EXPECT_TRUE(bson_iter_init_from_data(&at, document.data(), document.size()));
  while (bson_iter_next(&at)) {
    std::string name = bson_iter_key(&at);
    result.push_back(name + ": " + std::to_string(bson_iter_type(&at)));
    add_types(at, name, result);
  }
  return result;
}

} // namespace cuttle::tentacle::test
