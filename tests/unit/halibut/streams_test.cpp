#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

#include "fixture.hpp"
#include "infra/crypto/cipher.hpp"
#include "infra/halibut/data_stream.hpp"
#include "infra/halibut/envelope.hpp"
#include "infra/halibut/inflater.hpp"
#include "raw_peer.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace cuttle::halibut::test;

namespace {

/// Answers with the content of the request's stream, from memory or a file.
void send_back(world& w, const std::filesystem::path& file) {
  w.handler = [file](rpc_request request, reply_function reply) {
    rpc_response response;
    auto bytes = content_of(request.streams.at(0).second);
    add_stream(response,
               file.empty() ? memory_stream(bytes) : file_stream(file, bytes));
    reply(std::move(response));
  };
}

std::size_t resident_bytes() {
  std::ifstream file{"/proc/self/statm"};
  std::size_t all = 0;
  std::size_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

class Streams : public testing::TestWithParam<std::size_t> {};

} // namespace

TEST_P(Streams, TravelBothWaysFromMemory_HAL69_HAL75) {
  world w;
  send_back(w, {});
  w.start_server();
  w.start_worker();
  auto bytes = noise(GetParam());
  for (int i = 0; i < 2; ++i) {
    auto request = make_request("");
    add_stream(request, memory_stream(bytes));
    auto result = w.call(std::move(request));
    ASSERT_TRUE(result) << result.error().text;
    ASSERT_EQ(result->streams.size(), 1u);
    EXPECT_EQ(result->streams[0].second->length,
              static_cast<std::int64_t>(bytes.size()));
    EXPECT_TRUE(content_of(result->streams[0].second) == bytes);
  }
  EXPECT_EQ(w.events.get().size(), 1u);
}

TEST_P(Streams, TravelBothWaysFromFiles_HAL69_HAL75) {
  world w;
  temporary_folder files;
  send_back(w, files.path() / "back");
  w.start_server();
  w.start_worker();
  auto bytes = noise(GetParam());
  auto request = make_request("");
  add_stream(request, file_stream(files.path() / "there", bytes));
  auto result = w.call(std::move(request));
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_TRUE(content_of(result->streams.at(0).second) == bytes);
}

INSTANTIATE_TEST_SUITE_P(OfLength, Streams,
                         testing::Values(0, 1, 65'536, 65'537, 300'000,
                                         20'000'000));

// Takes 4 GiB of disk and half a minute, so it runs on request only.
TEST(VeryLongStreams, PassInBoundedMemoryBesideOtherCalls_HAL71_HAL73_SVC56) {
  if (std::getenv("CUTTLE_TEST_LONG_STREAMS") == nullptr)
    GTEST_SKIP() << "set CUTTLE_TEST_LONG_STREAMS to run this";
  constexpr std::int64_t length = (std::int64_t{5} << 30) + 1;
  world w;
  temporary_folder files;
  auto path = files.path() / "sparse";
  auto stream = file_stream(path, "");
  std::filesystem::resize_file(path, length);
  stream->length = length;
  watched<std::int64_t> arrived;
  w.handler = [&](rpc_request request, reply_function reply) {
    for (auto& [id, x] : request.streams) {
      EXPECT_EQ(std::filesystem::file_size(x->file),
                static_cast<std::uintmax_t>(length));
      arrived.change([&](auto& y) { y = x->length; });
    }
    rpc_response response;
    response.result = text_document("result", text_of(request.params));
    reply(std::move(response));
  };
  auto options = w.client_options();
  options.limits.response_wait = 10min;
  options.limits.queue_timeout = 10min;
  w.start_server(options);
  w.start_worker(2);
  ASSERT_TRUE(w.wait_connected(2));
  ASSERT_TRUE(w.call(make_request("warm")));
  auto before = resident_bytes();
  auto request = make_request("");
  add_stream(request, stream);
  auto result = w.begin(std::move(request));
  std::size_t beside = 0;
  std::size_t most = before;
  while (result.wait_for(100ms) != std::future_status::ready) {
    ASSERT_TRUE(w.call(make_request("beside")));
    ++beside;
    most = std::max(most, resident_bytes());
  }
  auto end = result.get();
  ASSERT_TRUE(end) << end.error().text;
  EXPECT_EQ(arrived.get(), length);
  EXPECT_GT(beside, 5u);
  EXPECT_LT(most - before, 64u << 20);
}

TEST(SpoolFiles, AreMadeForLongStreamsOnly) {
  world w;
  watched<std::vector<received_stream>> held;
  w.handler = [&](rpc_request request, reply_function reply) {
    held.change([&](auto& x) { x.push_back(request.streams.at(0).second); });
    reply({});
  };
  w.start_server();
  w.start_worker();
  for (std::size_t size : {65'536u, 65'537u}) {
    auto request = make_request("");
    add_stream(request, memory_stream(noise(size)));
    ASSERT_TRUE(w.call(std::move(request)));
  }
  auto streams = held.get();
  EXPECT_TRUE(streams[0]->file.empty());
  EXPECT_TRUE(streams[1]->bytes.empty());
  ASSERT_FALSE(streams[1]->file.empty());
  EXPECT_EQ(streams[1]->file.parent_path(), w.spool.path());
  auto mode = std::filesystem::status(streams[1]->file).permissions();
  EXPECT_EQ(mode, std::filesystem::perms::owner_read
                    | std::filesystem::perms::owner_write);
}

TEST(SpoolFiles, GoWithTheirLastOwner) {
  auto spool = std::make_unique<temporary_folder>();
  auto disk = std::make_unique<disk::disk_pool>();
  received_stream kept;
  {
    io_thread thread;
    polling_client::options to;
    to.trusted = {worker_identity().thumbprint()};
    polling_client server{thread, *disk, server_identity(), to};
    server_endpoint node;
    node.host = "127.0.0.1";
    node.port = server.start().value();
    node.thumbprints = {server_identity().thumbprint()};
    node.subscription = subscription;
    polling_options options;
    options.spool = spool->path();
    options.connections = 1;
    service_callbacks callbacks;
    callbacks.on_request = [&](rpc_request request, reply_function reply) {
      for (auto& [id, stream] : request.streams)
        if (!kept)
          kept = stream;
      reply({});
    };
    polling_service worker{thread, *disk,   worker_identity(),
                           node,   options, callbacks};
    worker.start();
    for (int i = 0; i < 3; ++i) {
      auto request = make_request("");
      add_stream(request, memory_stream(noise(100'000)));
      std::promise<bool> done;
      server.call(subscription, std::move(request),
                  [&](call_result x) { done.set_value(x.has_value()); });
      EXPECT_TRUE(done.get_future().get());
    }
  }
  // The pool's end runs what is left to be done.
  disk = std::make_unique<disk::disk_pool>();
  EXPECT_EQ(spool->files(), 1u);
  EXPECT_EQ(content_of(kept).size(), 100'000u);
  EXPECT_EQ(kept->sha1,
            crypto::sha1_hex_lower(crypto::as_bytes(noise(100'000))));
  kept->file.clear();
  disk = nullptr;
  EXPECT_EQ(spool->files(), 1u) << "a claimed file is its owner's";
}

TEST(SpoolFiles, ThatCannotBeMadeAreReportedAndTheConnectionStays_HAL74) {
  world w;
  w.start_server();
  auto options = w.service_options();
  options.spool = "/dev/null/no-folder";
  w.start_worker(options, w.endpoint());
  for (int i = 0; i < 2; ++i) {
    auto request = make_request("");
    add_stream(request, memory_stream(noise(300'000)));
    auto result = w.call(std::move(request));
    ASSERT_TRUE(result) << result.error().text;
    ASSERT_TRUE(result->error);
    EXPECT_NE(result->error->message.find("spool"), std::string::npos);
    EXPECT_FALSE(result->error->halibut_type);
  }
  EXPECT_TRUE(w.call(make_request("x")));
  EXPECT_EQ(w.events.get().size(), 1u);
  EXPECT_EQ(w.handled.get().size(), 1u);
}

TEST(SpoolFiles, AreNotLeftBehindByABrokenConnection_HAL72_SVC53) {
  auto bytes = noise(2'000'000);
  outgoing_request request = make_request("");
  auto id = add_stream(request, memory_stream(bytes));
  auto length = static_cast<std::int64_t>(bytes.size());
  auto document = encode_request(request, {"one", id, subscription, "00"}, {});
  auto message = deflate_message(document.value());
  auto header = format_stream_header({id, length});
  std::string start{message.begin(), message.end()};
  start.append(header.begin(), header.end());
  auto wrong_end = format_stream_trailer(length + 1);
  std::vector<std::string> endings{"", bytes.substr(0, 100),
                                   bytes.substr(0, 1'500'000), bytes};
  endings.push_back(bytes + std::string{wrong_end.begin(), wrong_end.end()});
  raw_listener listener;
  world w;
  w.port = listener.port();
  w.start_worker();
  for (auto& ending : endings) {
    auto peer = listener.accept(server_identity());
    greet(peer);
    peer.send(start + ending);
    if (ending.size() > bytes.size()) {
      EXPECT_EQ(peer.read_all(), "");
    }
    peer.close();
  }
  listener.accept(server_identity());
  w.worker = nullptr;
  w.disk = nullptr;
  EXPECT_EQ(w.spool.files(), 0u);
  EXPECT_TRUE(w.handled.get().empty());
}

TEST(OutgoingFiles, ThatShrinkCloseTheConnection_HAL76) {
  world w;
  temporary_folder files;
  auto path = files.path() / "shrinks";
  auto shrink = true;
  w.handler = [&](rpc_request, reply_function reply) {
    rpc_response response;
    auto stream = file_stream(path, noise(1'000'000));
    add_stream(response, stream);
    if (shrink)
      std::filesystem::resize_file(path, 400'000);
    shrink = false;
    reply(std::move(response));
  };
  w.start_server();
  w.start_worker();
  auto result = w.call(make_request("x"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::unavailable);
  EXPECT_NE(
    w.wait_event(link_event::kind::disconnected).reason.text.find("shorter"),
    std::string::npos);
  EXPECT_TRUE(w.call(make_request("x")));
}

TEST(OutgoingStreams, ThatTheDocumentDoesNotAnnounceAreAnError) {
  world w;
  w.handler = [](rpc_request, reply_function reply) {
    rpc_response response;
    add_stream(response, memory_stream("abc"));
    response.streams[0].second->length = 4;
    reply(std::move(response));
  };
  w.start_server();
  w.start_worker();
  auto result = w.call(make_request("x"));
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_TRUE(result->error);
  EXPECT_EQ(w.events.get().size(), 1u);
}
