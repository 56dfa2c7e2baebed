// Uploads, downloads and files of a script.

#include <fstream>
#include <future>

#include "infra/tentacle/client.hpp"
#include "tests/program/stage.hpp"

namespace cuttle::test {

namespace {

class Files : public Stage {
protected:
  halibut::call_result call(halibut::outgoing_request request) {
    auto done = std::make_shared<std::promise<halibut::call_result>>();
    auto result = done->get_future();
    server_->transport().call(
      subscription_, std::move(request),
      [done](halibut::call_result x) { done->set_value(std::move(x)); });
    return result.get();
  }

  static outgoing_stream stream_of(const std::string& bytes) {
    auto source = std::make_shared<stream_source>();
    source->bytes = bytes;
    source->length = static_cast<std::int64_t>(bytes.size());
    return source;
  }

  static std::string content(const received_stream& stream) {
    if (stream->file.empty())
      return stream->bytes;
    std::ifstream file{stream->file, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
};

} // namespace

TEST_F(Files, ComeBackAsTheyWereUploaded_RPC16) {
  start_connected_worker();
  std::string bytes(5'000'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(i * 31 + i / 251);
  auto response = call(tentacle::make_upload(
    "Files\\nested/package.bin", halibut::make_guid(), stream_of(bytes)));
  ASSERT_TRUE(response) << response.error().text;
  auto uploaded = tentacle::read_upload(*response);
  ASSERT_TRUE(uploaded) << uploaded.error().text;
  EXPECT_EQ(uploaded->full_path,
            (home_ / "Files" / "nested" / "package.bin").string());
  EXPECT_EQ(uploaded->length, 5'000'000);
  EXPECT_EQ(uploaded->sha1, crypto::sha1_hex_lower(crypto::as_bytes(bytes)));
  response = call(tentacle::make_download(uploaded->full_path));
  ASSERT_TRUE(response) << response.error().text;
  auto downloaded = tentacle::read_download(*response);
  ASSERT_TRUE(downloaded) << downloaded.error().text;
  ASSERT_TRUE(*downloaded);
  EXPECT_TRUE(content(*downloaded) == bytes);
}

TEST_F(Files, ThatDoNotExistDownloadAsNull_RPC16) {
  start_connected_worker();
  auto response = call(tentacle::make_download("Files/missing.txt"));
  ASSERT_TRUE(response) << response.error().text;
  auto downloaded = tentacle::read_download(*response);
  ASSERT_TRUE(downloaded) << downloaded.error().text;
  EXPECT_FALSE(*downloaded);
}

// The second one's streams must be read as well, or the connection is out of
// step.
TEST_F(Files, OfARepeatedStartAreReadAndThrownAway_SVC19) {
  start_connected_worker({{"TentaclePollingConnectionCount", "1"}});
  start_script command;
  command.ticket = sim::make_ticket();
  command.task_id = "ServerTasks-1";
  command.script_body = "cat data.txt; sleep 600";
  auto with_file = [&](const std::string& bytes) {
    auto body = std::make_shared<stream_body>();
    body->bytes = bytes;
    body->length = static_cast<std::int64_t>(bytes.size());
    command.files.clear();
    command.files.push_back({"data.txt", body, {}});
    return call(tentacle::make_request(command));
  };
  ASSERT_TRUE(with_file("the first"));
  auto again = with_file(std::string(300'000, 'x'));
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_TRUE(tentacle::read_status(*again));
  auto names = call(tentacle::make_get_capabilities());
  ASSERT_TRUE(names) << names.error().text;
  EXPECT_EQ(connections_, 1);
  EXPECT_EQ(server_->transport().connections(subscription_), 1u);
  std::ifstream file{home_ / "Work" / command.ticket.task_id / "data.txt"};
  std::string content{std::istreambuf_iterator<char>{file}, {}};
  EXPECT_EQ(content, "the first");
  EXPECT_TRUE(call(tentacle::make_request(complete_script{command.ticket})));
}

TEST_F(Files, OfAScriptAreThereBeforeItStarts_SVC15) {
  start_connected_worker();
  start_script command;
  command.script_body = "cat data/a.txt; head -c 4 secret.json; echo";
  auto plain = std::make_shared<stream_body>();
  plain->bytes = "from the server\n";
  plain->length = static_cast<std::int64_t>(plain->bytes.size());
  auto secret = std::make_shared<stream_body>();
  secret->bytes = "{\"password\": \"hidden\"}";
  secret->length = static_cast<std::int64_t>(secret->bytes.size());
  command.files.push_back({"data/a.txt", plain, {}});
  command.files.push_back({"secret.json", secret, "passphrase"});
  auto result = start(std::move(command))->wait();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(texts(result),
            (std::vector<std::string>{"from the server", "IV__"}));
}

} // namespace cuttle::test
