// Recordings of the real client library and of real contracts.

#include <gtest/gtest.h>

#include "infra/tentacle/client.hpp"
#include "infra/tentacle/errors.hpp"
#include "support.hpp"

namespace cuttle::tentacle {

namespace {

using namespace test;

template <class T>
T call(const std::string& name) {
  return std::get<T>(decoded(load_recorded(name).request));
}

template <class T>
void expect_same_request(const std::string& name) {
  auto recorded = load_recorded(name).request;
  auto ours = make_request(std::get<T>(decoded(recorded)));
  EXPECT_EQ(ours.service, recorded.service) << name;
  EXPECT_EQ(ours.method, recorded.method) << name;
  EXPECT_EQ(ours.params, recorded.params) << name;
}

void expect_same_status(const std::string& name) {
  auto recorded = load_recorded(name).response;
  auto status = read_status(recorded);
  ASSERT_TRUE(status) << name << ": " << status.error().text;
  auto ours = encode("id", *status);
  EXPECT_EQ(ours.result, recorded.result) << name;
  EXPECT_FALSE(ours.error);
}

} // namespace

TEST(Recorded, CapabilitiesAreTheSameBytes_CFG03_SVC01) {
  auto recorded = load_recorded("polling-02-capabilities");
  EXPECT_TRUE(
    std::holds_alternative<get_capabilities>(decoded(recorded.request)));
  auto ours = encode_capabilities("id");
  EXPECT_EQ(ours.id, "id");
  EXPECT_EQ(ours.result, recorded.response.result);
  auto names = read_capabilities(recorded.response).value();
  EXPECT_EQ(names, (std::vector<std::string>{"IFileTransferService",
                                             "IKubernetesScriptServiceV1"}));
  EXPECT_EQ(make_get_capabilities().params, recorded.request.params);
}

TEST(Recorded, StartScriptWithoutExtrasIsUnderstood_SVC11) {
  auto command = call<start_script>("polling-03-start-script");
  EXPECT_FALSE(command.raw);
  EXPECT_EQ(command.script_body, "echo hello; echo 'h\xC3\xA9llo' >&2; exit 3");
  EXPECT_EQ(command.task_id, "ServerTasks-1234");
  EXPECT_EQ(command.ticket.task_id, "0aBcDeFgHiJkLmNoPqRsTu");
  EXPECT_EQ(command.isolation, isolation_level::none);
  EXPECT_EQ(command.isolation_timeout.count(), 2'147'483'647);
  EXPECT_EQ(command.isolation_mutex_name, "RunningScript");
  EXPECT_FALSE(command.image);
  EXPECT_FALSE(command.bash_body);
  EXPECT_EQ(command.body(), command.script_body);
  EXPECT_TRUE(command.files.empty());
  EXPECT_TRUE(command.arguments.empty());
  EXPECT_FALSE(command.service_account);
  EXPECT_FALSE(command.auth);
  EXPECT_FALSE(command.platform);
  EXPECT_FALSE(command.calamari);
}

TEST(Recorded, StartScriptWithEveryMemberIsUnderstood_SVC11) {
  auto recorded = load_recorded("polling-07-start-script-full");
  auto command = std::get<start_script>(decoded(recorded.request));
  EXPECT_TRUE(command.raw);
  EXPECT_EQ(command.script_body, "echo wrong");
  EXPECT_EQ(command.bash_body, "echo started; sleep 100");
  EXPECT_EQ(command.body(), "echo started; sleep 100");
  EXPECT_EQ(command.task_id, "ServerTasks-77");
  EXPECT_EQ(command.ticket.task_id, "Ticket0Two");
  EXPECT_EQ(command.isolation, isolation_level::full);
  EXPECT_EQ(command.isolation_timeout, std::chrono::minutes{90});
  EXPECT_EQ(command.isolation_mutex_name, "Mutex/Name");
  ASSERT_TRUE(command.image);
  EXPECT_EQ(command.image->image,
            "octopusdeploy/worker-tools:6.3-ubuntu.22.04");
  EXPECT_EQ(command.image->feed_url, "https://registry.example/");
  EXPECT_EQ(command.image->feed_username, "user");
  EXPECT_EQ(command.image->feed_password, "password");
  ASSERT_EQ(command.files.size(), 3u);
  EXPECT_EQ(command.files[0].name, "data.txt");
  EXPECT_EQ(command.files[0].contents, recorded.request.streams[0].second);
  EXPECT_EQ(command.files[0].contents->length, 23);
  EXPECT_FALSE(command.files[0].encryption_password);
  EXPECT_EQ(command.files[1].name, "dir/empty.bin");
  EXPECT_EQ(command.files[1].contents->length, 0);
  EXPECT_EQ(command.files[2].name, "secret.json");
  EXPECT_EQ(command.files[2].contents, recorded.request.streams[2].second);
  EXPECT_EQ(command.files[2].encryption_password, "pw");
  EXPECT_EQ(command.arguments, (std::vector<std::string>{"a1", "a 2"}));
  EXPECT_EQ(command.service_account, "service-account");
  ASSERT_TRUE(command.auth);
  EXPECT_FALSE(command.auth->space_slug.empty());
  EXPECT_FALSE(command.auth->step_slug.empty());
  ASSERT_TRUE(command.platform);
  ASSERT_TRUE(command.calamari);
  EXPECT_FALSE(command.calamari->name.empty());
  EXPECT_FALSE(command.calamari->version.empty());
}

TEST(Recorded, RequestsAreWrittenAsTheSameBytes) {
  expect_same_request<start_script>("polling-03-start-script");
  expect_same_request<get_status>("polling-04-get-status-complete");
  expect_same_request<get_status>("polling-05-get-status-end");
  expect_same_request<complete_script>("polling-06-complete-script");
  expect_same_request<get_status>("polling-08-get-status-running");
  expect_same_request<cancel_script>("polling-09-cancel-script");
  expect_same_request<get_status>("polling-10-get-status-unknown");
}

TEST(Recorded, StatusesAreWrittenAsTheSameBytes_HAL57) {
  for (auto name :
       {"polling-03-start-script", "polling-04-get-status-complete",
        "polling-05-get-status-end", "polling-07-start-script-full",
        "polling-08-get-status-running", "polling-09-cancel-script",
        "polling-10-get-status-unknown", "listening-01-get-status-first",
        "listening-02-get-status-second"})
    expect_same_status(name);
}

TEST(Recorded, StatusIsRead) {
  auto recorded = load_recorded("polling-04-get-status-complete");
  auto status = read_status(recorded.response).value();
  EXPECT_EQ(status.ticket.task_id, "0aBcDeFgHiJkLmNoPqRsTu");
  ASSERT_EQ(status.lines.size(), 2u);
  EXPECT_EQ(status.lines[0].source, output_source::out);
  EXPECT_EQ(status.lines[0].text, "hello");
  EXPECT_EQ(status.lines[1].source, output_source::err);
  EXPECT_EQ(status.lines[1].text, "h\xC3\xA9llo");
  EXPECT_EQ(status.lines[0].occurred.time_since_epoch(),
            std::chrono::milliseconds{1795436501972});
  EXPECT_EQ(status.next_sequence, 2);
  EXPECT_EQ(status.state, process_state::complete);
  EXPECT_EQ(status.exit_code, 3);
  auto cancelled
    = read_status(load_recorded("polling-09-cancel-script").response).value();
  EXPECT_EQ(cancelled.exit_code, exit_cancelled);
}

TEST(Recorded, CompleteScriptHasANullResult) {
  auto recorded = load_recorded("polling-06-complete-script");
  EXPECT_EQ(std::get<complete_script>(decoded(recorded.request)).ticket.task_id,
            "0aBcDeFgHiJkLmNoPqRsTu");
  EXPECT_TRUE(read_nothing(recorded.response));
  EXPECT_TRUE(encode_nothing("id").result.empty());
}

TEST(Recorded, UploadsAreUnderstood_SVC52) {
  for (auto name : {"polling-11-upload-file", "polling-12-upload-file-large"}) {
    auto recorded = load_recorded(name);
    auto upload = std::get<upload_file>(decoded(recorded.request));
    EXPECT_FALSE(upload.remote_path.empty());
    ASSERT_NE(upload.contents, nullptr);
    EXPECT_EQ(upload.contents, recorded.request.streams[0].second);
    auto file = read_upload(recorded.response);
    ASSERT_TRUE(file) << file.error().text;
    EXPECT_EQ(file->length, upload.contents->length);
    EXPECT_EQ(encode("id", *file).result, recorded.response.result);
    auto source = std::make_shared<stream_source>();
    source->length = upload.contents->length;
    auto ours = make_upload(upload.remote_path,
                            recorded.request.streams[0].first, source);
    EXPECT_EQ(ours.params, recorded.request.params);
  }
}

TEST(Recorded, UploadOfNullIsUnderstood_SVC55) {
  auto recorded = load_recorded("polling-13-upload-file-null");
  auto upload = std::get<upload_file>(decoded(recorded.request));
  EXPECT_EQ(upload.contents, nullptr);
  auto file = read_upload(recorded.response).value();
  EXPECT_FALSE(file.sha1);
  EXPECT_EQ(file.length, 0);
  EXPECT_EQ(encode("id", file).result, recorded.response.result);
  EXPECT_EQ(make_upload(upload.remote_path, {}, nullptr).params,
            recorded.request.params);
}

TEST(Recorded, DownloadsAreUnderstood_SVC54) {
  auto recorded = load_recorded("polling-14-download-file");
  auto download = std::get<download_file>(decoded(recorded.request));
  EXPECT_FALSE(download.remote_path.empty());
  EXPECT_EQ(make_download(download.remote_path).params,
            recorded.request.params);
  auto stream = read_download(recorded.response);
  ASSERT_TRUE(stream) << stream.error().text;
  EXPECT_EQ(*stream, recorded.response.streams[0].second);
  auto source = std::make_shared<stream_source>();
  source->length = (*stream)->length;
  auto ours = encode("id", downloaded_file{source});
  ASSERT_EQ(ours.streams.size(), 1u);
  EXPECT_EQ(ours.streams[0].second, source);
  EXPECT_EQ(layout(ours.result), layout(recorded.response.result));
  EXPECT_EQ(ours.result.size(), recorded.response.result.size());
}

TEST(Recorded, DownloadOfAMissingFileIsNull_SVC54) {
  auto recorded = load_recorded("polling-15-download-file-missing");
  EXPECT_EQ(read_download(recorded.response).value(), nullptr);
  EXPECT_TRUE(encode("id", downloaded_file{}).result.empty());
}

TEST(Recorded, ErrorsHaveThePeersShape_HAL77) {
  for (auto name :
       {"polling-17-error-unknown-service", "polling-19-error-unknown-method",
        "polling-20-error-wrong-arguments"}) {
    auto recorded = load_recorded(name);
    auto ours = rejected(recorded.request);
    ASSERT_TRUE(recorded.response.error) << name;
    EXPECT_EQ(ours.halibut_type, recorded.response.error->halibut_type) << name;
    EXPECT_TRUE(ours.details.starts_with(*ours.halibut_type + ": "));
    EXPECT_EQ(from_error(ours).code, errc::invalid_request);
    EXPECT_EQ(from_error(*recorded.response.error).code, errc::invalid_request);
  }
  auto unknown = load_recorded("polling-17-error-unknown-service");
  EXPECT_EQ(rejected(unknown.request).message, unknown.response.error->message);
}

TEST(Recorded, UnknownServiceWithAStreamIsAnswered_HAL74) {
  auto recorded = load_recorded("polling-18-error-unknown-service-stream");
  EXPECT_EQ(rejected(recorded.request).halibut_type, service_not_found_type);
}

TEST(Recorded, HandlerErrorHasThePeersShape_HAL78) {
  auto recorded = load_recorded("polling-16-error-handler").response;
  ASSERT_TRUE(recorded.error);
  EXPECT_TRUE(recorded.error->details.starts_with(invocation_prefix));
  EXPECT_FALSE(recorded.error->halibut_type);
  auto ours = encode("id", failure{errc::io_error, "no space"});
  ASSERT_TRUE(ours.error);
  EXPECT_TRUE(ours.error->details.starts_with(invocation_prefix));
  EXPECT_FALSE(ours.error->halibut_type);
  EXPECT_EQ(from_error(*recorded.error).code, errc::invalid_request);
}

TEST(Recorded, ServicesThatAWorkerDoesNotHaveAreUnknown_SVC04) {
  for (auto name : {"IScriptService", "IScriptServiceV2",
                    "ICapabilitiesServiceV3", "", "ikubernetesscriptservicev1"})
    EXPECT_EQ(
      rejected(request_of(name, "StartScript", [](auto&) {})).halibut_type,
      service_not_found_type)
      << name;
}

} // namespace cuttle::tentacle
