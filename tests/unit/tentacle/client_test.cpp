#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

#include "documents.hpp"
#include "infra/tentacle/client.hpp"
#include "infra/tentacle/time_text.hpp"
#include "support.hpp"

namespace cuttle::tentacle {

namespace {

using namespace test;

halibut::rpc_request as_request(const halibut::outgoing_request& sent) {
  halibut::rpc_request result;
  result.id = "id";
  result.service = sent.service;
  result.method = sent.method;
  result.params = sent.params;
  for (auto& [id, source] : sent.streams)
    result.streams.emplace_back(id, stream_of(source->bytes));
  return result;
}

// A response whose result `write` describes.
halibut::received_response
response_with(const std::function<void(document_writer&)>& write) {
  document_writer writer;
  writer.document("result", [&] { write(writer); });
  halibut::received_response result;
  result.result = writer.take().value();
  return result;
}

constexpr auto status_type
  = "Octopus.Tentacle.Contracts.KubernetesScriptServiceV1."
    "KubernetesScriptStatusResponseV1, Octopus.Tentacle.Contracts";

} // namespace

TEST(Client, WritesTheStartScriptOfTheSpecification) {
  auto expected = request_from(start_request);
  auto id = halibut::parse_guid("9a4b47b7-7463-4740-842e-eb1da0ade39b").value();
  expected.streams.emplace_back(id, stream_of(std::string(59, 'x')));
  auto ours = make_request(std::get<start_script>(decoded(expected)));
  ASSERT_EQ(ours.streams.size(), 1u);
  EXPECT_EQ(ours.streams[0].second->bytes, std::string(59, 'x'));
  EXPECT_EQ(ours.streams[0].second->length, 59);
  // The id is a new one; put the old one in its place.
  auto at
    = std::search(ours.params.begin(), ours.params.end(),
                  ours.streams[0].first.begin(), ours.streams[0].first.end());
  ASSERT_NE(at, ours.params.end());
  std::copy(id.begin(), id.end(), at);
  EXPECT_EQ(ours.params, expected.params);
}

TEST(Client, RoundTripsEveryMember) {
  start_script command;
  command.raw = true;
  command.script_body = "body";
  command.bash_body = "bash";
  command.task_id = "ServerTasks-1";
  command.ticket.task_id = "T";
  command.isolation = isolation_level::full;
  command.isolation_timeout = std::chrono::milliseconds{1500};
  command.isolation_mutex_name = "M";
  command.image = pod_image{"i", "u", "n", "p"};
  command.files.push_back({"a/b", stream_of("content"), std::nullopt});
  command.files.push_back({"c", stream_of(""), "pw"});
  command.arguments = {"1", "2 3"};
  command.service_account = "sa";
  command.auth = auth_context{"s", "p", "g", "e", "t", "x"};
  command.platform = "linux-arm64";
  command.calamari = calamari_image{"Calamari", "1.2.3"};
  auto read
    = std::get<start_script>(decoded(as_request(make_request(command))));
  EXPECT_TRUE(read.raw);
  EXPECT_EQ(read.script_body, "body");
  EXPECT_EQ(read.bash_body, "bash");
  EXPECT_EQ(read.isolation, isolation_level::full);
  EXPECT_EQ(read.isolation_timeout, command.isolation_timeout);
  EXPECT_EQ(read.image->feed_password, "p");
  ASSERT_EQ(read.files.size(), 2u);
  EXPECT_EQ(read.files[0].contents->bytes, "content");
  EXPECT_EQ(read.files[1].encryption_password, "pw");
  EXPECT_EQ(read.arguments, command.arguments);
  EXPECT_EQ(read.auth->project_group_slug, "g");
  EXPECT_EQ(read.auth->tenant_slug, "t");
  EXPECT_EQ(read.platform, "linux-arm64");
  EXPECT_EQ(read.calamari->version, "1.2.3");
}

TEST(Client, SendsAFileOfADisk) {
  auto path = std::filesystem::temp_directory_path()
              / ("cuttle-client-" + std::to_string(::getpid()));
  std::ofstream{path} << "on disk";
  auto body = std::make_shared<stream_body>();
  body->file = path;
  body->length = 7;
  start_script command;
  command.ticket.task_id = "T";
  command.files.push_back({"a", body, std::nullopt});
  auto request = make_request(command);
  std::filesystem::remove(path);
  ASSERT_EQ(request.streams.size(), 1u);
  auto& source = *request.streams[0].second;
  EXPECT_EQ(source.length, 7);
  char buffer[16];
  EXPECT_EQ(::read(source.descriptor, buffer, sizeof(buffer)), 7);
  auto descriptor = source.descriptor;
  request.streams.clear();
  EXPECT_EQ(::read(descriptor, buffer, 1), -1) << "the file is still open";
}

TEST(Client, SaysThatAFileIsGone) {
  auto body = std::make_shared<stream_body>();
  body->file = "/nonexistent/file";
  start_script command;
  command.files.push_back({"a", body, std::nullopt});
  EXPECT_THROW(make_request(command), std::runtime_error);
}

TEST(Client, RejectsAResultWithoutTheRightType_HAL57) {
  for (auto type : {"", "Other, Other", "UploadResult"}) {
    auto status = read_status(
      response_with([&](document_writer& out) { out.text("$type", type); }));
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, errc::protocol_error);
  }
  auto late = read_status(response_with([](document_writer& out) {
    out.int32("ExitCode", 0);
    out.text("$type", status_type);
  }));
  EXPECT_FALSE(late);
  EXPECT_FALSE(read_status(response_with([](document_writer&) {})));
  EXPECT_TRUE(read_status(response_with(
    [](document_writer& out) { out.text("$type", status_type); })));
}

TEST(Client, AcceptsBothNamesOfAnUploadsResult_HAL66) {
  for (auto type : {"Octopus.Shared.Contracts.UploadResult, Octopus.Shared",
                    "Octopus.Tentacle.Contracts.UploadResult, "
                    "Octopus.Tentacle.Contracts"}) {
    auto file = read_upload(response_with([&](document_writer& out) {
      out.text("$type", type);
      out.int32("Length", 7);
    }));
    ASSERT_TRUE(file) << file.error().text;
    EXPECT_EQ(file->length, 7);
  }
}

TEST(Client, AcceptsDatesAsText_HAL60) {
  auto status = read_status(response_with([](document_writer& out) {
    out.text("$type", status_type);
    out.array("Logs", [&] {
      out.document("0", [&] {
        out.text("Source", "StdErr");
        out.text("Occurred", "2024-01-01T17:04:05.678Z");
        out.text("Text", "x");
      });
    });
    out.text("State", "Complete");
  }));
  ASSERT_TRUE(status) << status.error().text;
  EXPECT_EQ(to_bson_date(status->lines[0].occurred), 1704128645678);
  EXPECT_EQ(status->lines[0].source, output_source::err);
  EXPECT_EQ(status->state, process_state::complete);
}

TEST(Client, RejectsAnExitCodeOutOfRange_HAL59) {
  auto status = read_status(response_with([](document_writer& out) {
    out.text("$type", status_type);
    out.int64("ExitCode", std::int64_t{1} << 31);
  }));
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().text.find("ExitCode"), std::string::npos);
}

TEST(Client, TurnsErrorsIntoFailures) {
  halibut::received_response response;
  response.error = halibut::server_error{"no space", "anything", std::nullopt};
  EXPECT_EQ(read_status(response).error(),
            (failure{errc::unavailable, "no space"}));
  response.error = encode("x", failure{errc::io_error, "no space"}).error;
  EXPECT_EQ(read_nothing(response).error(),
            (failure{errc::invalid_request, "no space"}));
  EXPECT_FALSE(read_capabilities(response_from(error_response)));
}

TEST(Client, RejectsNullWhereThereMustBeAResult) {
  halibut::received_response none;
  EXPECT_FALSE(read_status(none));
  EXPECT_FALSE(read_capabilities(none));
  EXPECT_FALSE(read_upload(none));
  EXPECT_EQ(read_download(none).value(), nullptr);
  EXPECT_TRUE(read_nothing(none));
  EXPECT_FALSE(read_nothing(response_from(status_response)));
}

TEST(Client, RejectsADownloadWhoseStreamIsMissing) {
  EXPECT_FALSE(read_download(response_from(stream_response)));
}

} // namespace cuttle::tentacle
