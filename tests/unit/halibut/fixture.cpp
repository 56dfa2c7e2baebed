#include "fixture.hpp"

#include <bson/bson.h>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <random>
#include <stdlib.h>
#include <unistd.h>

#include "infra/halibut/envelope.hpp"
#include "infra/halibut/inflater.hpp"

namespace cuttle::halibut::test {

namespace {

crypto::identity make_identity(const char* name) {
  return crypto::identity::generate(name).value();
}

bson_bytes take(bson_t& document) {
  auto data = bson_get_data(&document);
  bson_bytes result{data, data + document.len};
  bson_destroy(&document);
  return result;
}

bson_bytes stream_document(const char* key, const guid& id,
                           std::int64_t length) {
  bson_t document = BSON_INITIALIZER;
  bson_t child;
  bson_append_document_begin(&document, key, -1, &child);
  bson_append_utf8(&child, "$type", -1, "Halibut.DataStream, Halibut", -1);
  bson_append_binary(&child, "id", -1, BSON_SUBTYPE_UUID, id.data(), 16);
  bson_append_int64(&child, "length", -1, length);
  bson_append_document_end(&document, &child);
  return take(document);
}

} // namespace

const crypto::identity& server_identity() {
  static const auto result = make_identity("Octopus Server");
  return result;
}

const crypto::identity& worker_identity() {
  static const auto result = make_identity("Octopus Tentacle");
  return result;
}

const crypto::identity& other_identity() {
  static const auto result = make_identity("Somebody Else");
  return result;
}

temporary_folder::temporary_folder() {
  auto name
    = (std::filesystem::temp_directory_path() / "halibut-XXXXXX").string();
  path_ = ::mkdtemp(name.data());
}

temporary_folder::~temporary_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::size_t temporary_folder::files() const {
  return static_cast<std::size_t>(
    std::distance(std::filesystem::directory_iterator{path_},
                  std::filesystem::directory_iterator{}));
}

halibut::limits quick_limits() {
  halibut::limits result;
  result.queue_wait = 10s;
  return result;
}

world::world() {
  handler = [](rpc_request request, reply_function reply) {
    rpc_response response;
    response.result = text_document("result", text_of(request.params));
    reply(std::move(response));
  };
}

world::~world() {
  worker = nullptr;
  server = nullptr;
}

polling_client::options world::client_options() {
  polling_client::options result;
  result.port = port;
  result.trusted = {worker_identity().thumbprint()};
  result.spool = spool.path();
  result.limits = quick_limits();
  result.on_worker = [this](const std::string&, bool up) {
    connected.change([&](auto& x) { up ? ++x : --x; });
  };
  result.on_trouble = [this](const std::string& reason) {
    troubles.change([&](auto& x) { x.push_back(reason); });
  };
  return result;
}

server_endpoint world::endpoint() const {
  server_endpoint result;
  result.host = "127.0.0.1";
  result.port = port;
  result.thumbprints = {server_identity().thumbprint()};
  result.subscription = subscription;
  return result;
}

polling_options world::service_options() const {
  polling_options result;
  result.connections = 1;
  result.backoff_min = 50ms;
  result.backoff_max = 200ms;
  result.spool = spool.path();
  return result;
}

void world::start_server() {
  start_server(client_options());
}

void world::start_server(polling_client::options options,
                         const crypto::identity& self) {
  server = nullptr;
  server
    = std::make_unique<polling_client>(thread, *disk, self, std::move(options));
  port = server->start().value();
}

void world::start_worker(unsigned connections) {
  auto options = service_options();
  options.connections = connections;
  start_worker(options, endpoint());
}

void world::start_worker(polling_options options, server_endpoint to,
                         const crypto::identity& self) {
  service_callbacks callbacks;
  callbacks.on_request = [this](rpc_request request, reply_function reply) {
    handled.change([&](auto& x) { x.push_back(request.id); });
    handler(std::move(request), std::move(reply));
  };
  callbacks.on_link = [this](const link_event& event) {
    events.change([&](auto& x) { x.push_back(event); });
  };
  worker = std::make_unique<polling_service>(thread, *disk, self, std::move(to),
                                             std::move(options),
                                             std::move(callbacks));
  worker->start();
}

bool world::wait_connected(std::size_t count) {
  return connected.wait([&](auto& x) { return x == count; });
}

link_event world::wait_event(link_event::kind what) {
  link_event result;
  result.reason = {errc::internal, "no such event came"};
  events.wait([&](auto& list) {
    for (auto& x : list)
      if (x.what == what) {
        result = x;
        return true;
      }
    return false;
  });
  return result;
}

std::future<call_result> world::begin(outgoing_request request) {
  auto promise = std::make_shared<std::promise<call_result>>();
  server->call(subscription, std::move(request), [promise](call_result result) {
    promise->set_value(std::move(result));
  });
  return promise->get_future();
}

call_result world::call(outgoing_request request) {
  auto result = begin(std::move(request));
  if (result.wait_for(patience) != std::future_status::ready)
    return fail(errc::internal, "the call did not end");
  return result.get();
}

bool world::stop_worker(std::chrono::milliseconds grace) {
  auto promise = std::make_shared<std::promise<void>>();
  worker->stop(grace, [promise] { promise->set_value(); });
  return promise->get_future().wait_for(patience) == std::future_status::ready;
}

outgoing_request make_request(const std::string& text,
                              const std::string& method) {
  outgoing_request result;
  result.service = "ITestService";
  result.method = method;
  result.params = text_document("0", text);
  return result;
}

std::string text_of(const bson_bytes& document) {
  bson_iter_t iter;
  if (!bson_iter_init_from_data(&iter, document.data(), document.size())
      || !bson_iter_next(&iter) || !BSON_ITER_HOLDS_UTF8(&iter))
    return "<no text>";
  std::uint32_t size = 0;
  auto text = bson_iter_utf8(&iter, &size);
  return {text, size};
}

guid add_stream(outgoing_request& request, outgoing_stream stream) {
  auto id = make_guid();
  request.params = stream_document("0", id, stream->length);
  request.streams.emplace_back(id, std::move(stream));
  return id;
}

guid add_stream(rpc_response& response, outgoing_stream stream) {
  auto id = make_guid();
  response.result = stream_document("result", id, stream->length);
  response.streams.emplace_back(id, std::move(stream));
  return id;
}

outgoing_stream memory_stream(std::string bytes) {
  auto result = std::make_shared<stream_source>();
  result->length = static_cast<std::int64_t>(bytes.size());
  result->bytes = std::move(bytes);
  return result;
}

outgoing_stream file_stream(const std::filesystem::path& path,
                            const std::string& bytes) {
  std::ofstream{path, std::ios::binary} << bytes;
  outgoing_stream result{new stream_source, [](stream_source* x) {
                           ::close(x->descriptor);
                           delete x;
                         }};
  result->descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  result->length = static_cast<std::int64_t>(bytes.size());
  return result;
}

std::string content_of(const received_stream& stream) {
  if (stream->file.empty())
    return stream->bytes;
  std::ifstream file{stream->file, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::string noise(std::size_t size) {
  std::mt19937_64 source{42};
  std::string result;
  while (result.size() < size) {
    auto x = source();
    for (int i = 0; i < 8; ++i)
      result += static_cast<char>(x >> (8 * i));
  }
  result.resize(size);
  return result;
}

bson_bytes text_document(const char* key, const std::string& text) {
  bson_t document = BSON_INITIALIZER;
  bson_append_utf8(&document, key, -1, text.data(),
                   static_cast<int>(text.size()));
  return take(document);
}

std::string request_message(const std::string& id, const std::string& text) {
  auto document = encode_request(make_request(text),
                                 {id, make_guid(), subscription, "00"}, {});
  auto message = deflate_message(document.value());
  return {message.begin(), message.end()};
}

std::string null_message() {
  auto message = deflate_message(null_document());
  return {message.begin(), message.end()};
}

} // namespace cuttle::halibut::test
