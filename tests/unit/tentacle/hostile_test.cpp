// Documents that no peer of good will sends. Under the sanitizers each of these
// shows that no length is trusted.

#include <gtest/gtest.h>

#include "documents.hpp"
#include "infra/tentacle/client.hpp"
#include "infra/tentacle/decode.hpp"
#include "infra/tentacle/errors.hpp"
#include "support.hpp"

namespace cuttle::tentacle {

namespace {

using namespace test;

// Every recorded request of the three services.
std::vector<halibut::rpc_request> recorded_requests() {
  std::vector<halibut::rpc_request> result;
  for (auto name :
       {"polling-02-capabilities", "polling-03-start-script",
        "polling-04-get-status-complete", "polling-06-complete-script",
        "polling-07-start-script-full", "polling-09-cancel-script",
        "polling-11-upload-file", "polling-13-upload-file-null",
        "polling-14-download-file"})
    result.push_back(load_recorded(name).request);
  return result;
}

std::vector<halibut::received_response> recorded_responses() {
  std::vector<halibut::received_response> result;
  for (auto name : {"polling-02-capabilities", "polling-04-get-status-complete",
                    "polling-11-upload-file", "polling-14-download-file"})
    result.push_back(load_recorded(name).response);
  return result;
}

void set_length(halibut::bson_bytes& document, std::uint32_t length) {
  for (int i = 0; i < 4 && i < static_cast<int>(document.size()); ++i)
    document[static_cast<std::size_t>(i)]
      = static_cast<std::uint8_t>(length >> (8 * i));
}

// The only acceptable outcomes: a call, or an error of wrong parameters.
void expect_sane(const halibut::rpc_request& request) {
  auto result = decode(request);
  auto* error = std::get_if<halibut::server_error>(&result);
  if (error != nullptr) {
    ASSERT_EQ(error->halibut_type, ambiguous_match_type);
    ASSERT_FALSE(error->message.empty());
    ASSERT_LT(error->message.size(), 2000u);
  }
}

// A document in a document in a document, all called "a".
std::string nested_documents(std::uint32_t depth) {
  // Each level has a length, a type, a key and a terminator.
  constexpr std::uint32_t level_bytes = 4 + 1 + 2 + 1;
  std::string result;
  for (auto level = depth; level > 0; --level) {
    auto size = 5 + level * level_bytes;
    for (int shift = 0; shift < 32; shift += 8)
      result += static_cast<char>(size >> shift);
    result += std::string_view{"\x03"
                               "a\0",
                               3};
  }
  result += std::string_view{"\x05\0\0\0\0", 5};
  return result + std::string(depth, '\0');
}

void read_all(const halibut::received_response& response) {
  read_capabilities(response);
  read_status(response);
  read_nothing(response);
  read_upload(response);
  read_download(response);
}

} // namespace

TEST(Hostile, EveryTruncationIsAnError_SVC59) {
  for (auto& recorded : recorded_requests())
    for (std::size_t size = 1; size < recorded.params.size(); ++size) {
      auto request = recorded;
      request.params.resize(size);
      ASSERT_EQ(rejected(request).halibut_type, ambiguous_match_type) << size;
      set_length(request.params, static_cast<std::uint32_t>(size));
      expect_sane(request);
      request.params.back() = 0;
      expect_sane(request);
    }
}

TEST(Hostile, EveryChangedByteIsHandled_SVC59) {
  // Element types, lengths and terminators are all among the bytes.
  constexpr std::uint8_t values[]
    = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
       0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11,
       0x12, 0x13, 0x14, 0x31, 0x7F, 0x80, 0xFE, 0xFF};
  for (auto& recorded : recorded_requests())
    for (std::size_t i = 0; i < recorded.params.size(); ++i)
      for (auto value : values) {
        auto request = recorded;
        request.params[i] = value;
        expect_sane(request);
      }
}

TEST(Hostile, EveryLengthIsChecked_SVC59) {
  for (auto& recorded : recorded_requests())
    for (std::size_t i = 0; i + 4 <= recorded.params.size(); ++i)
      for (std::uint32_t value :
           {0u, 1u, 0x7FFFFFFFu, 0x80000000u, 0xFFFFFFFFu, 0xFFFFFFFBu}) {
        auto request = recorded;
        for (std::size_t k = 0; k < 4; ++k)
          request.params[i + k] = static_cast<std::uint8_t>(value >> (8 * k));
        expect_sane(request);
      }
}

TEST(Hostile, EveryDamagedResponseIsHandled) {
  for (auto& recorded : recorded_responses()) {
    for (std::size_t size = 0; size <= recorded.result.size(); ++size) {
      auto response = recorded;
      response.result.resize(size);
      read_all(response);
    }
    for (std::size_t i = 0; i < recorded.result.size(); ++i)
      for (int value = 0; value < 256; value += 3) {
        auto response = recorded;
        response.result[i] = static_cast<std::uint8_t>(value);
        read_all(response);
      }
  }
}

TEST(Hostile, DeepNestingCostsNothing) {
  // Unknown members are skipped by their length, known ones end at the first
  // level that does not fit.
  for (auto name : {"Future", "AuthContext", "Scripts", "ScriptTicket"}) {
    auto bytes = nested_documents(100'000);
    bson_t nested;
    ASSERT_TRUE(bson_init_static(
      &nested, reinterpret_cast<const std::uint8_t*>(bytes.data()),
      bytes.size()));
    bson_t root;
    bson_t parameter;
    bson_init(&root);
    BSON_APPEND_DOCUMENT_BEGIN(&root, "0", &parameter);
    bson_append_document(&parameter, name, -1, &nested);
    bson_append_document_end(&root, &parameter);
    halibut::rpc_request request;
    request.service = "IKubernetesScriptServiceV1";
    request.method = "StartScript";
    auto* data = bson_get_data(&root);
    request.params.assign(data, data + root.len);
    bson_destroy(&root);
    EXPECT_EQ(rejected(request).halibut_type, ambiguous_match_type);
  }
}

TEST(Hostile, ManyFilesAndArgumentsAreRefusedWithTheLimit) {
  auto many = [](const char* member, std::size_t count) {
    return request_with(
      "IKubernetesScriptServiceV1", "StartScript", [&](document_writer& out) {
        out.document("ScriptTicket", [&] { out.text("TaskId", "T"); });
        out.array(member, [&] {
          for (std::size_t i = 0; i < count; ++i)
            out.text(std::to_string(i), "x");
        });
      });
  };
  EXPECT_TRUE(std::holds_alternative<start_script>(
    decoded(many("Arguments", max_arguments))));
  auto arguments = rejected(many("Arguments", max_arguments + 1));
  EXPECT_NE(arguments.message.find("Arguments has more than 4096 arguments"),
            std::string::npos)
    << arguments.message;
  auto huge = rejected(many("Arguments", 1'000'000));
  EXPECT_EQ(huge.halibut_type, ambiguous_match_type);
  // Unknown ones are skipped whatever their size.
  EXPECT_TRUE(
    std::holds_alternative<start_script>(decoded(many("Future", 1'000'000))));
}

TEST(Hostile, ManyFilesAreRefusedWithTheLimit) {
  halibut::rpc_request request = request_with(
    "IKubernetesScriptServiceV1", "StartScript", [&](document_writer& out) {
      out.document("ScriptTicket", [&] { out.text("TaskId", "T"); });
      out.array("Files", [&] {
        for (std::size_t i = 0; i <= max_files; ++i)
          out.document(std::to_string(i), [&] {
            out.text("Name", std::to_string(i));
            out.document("Contents", [&] {
              halibut::guid id{};
              id[0] = static_cast<std::uint8_t>(i);
              id[1] = static_cast<std::uint8_t>(i >> 8);
              out.guid("id", id);
            });
          });
      });
    });
  for (std::size_t i = 0; i <= max_files; ++i) {
    halibut::guid id{};
    id[0] = static_cast<std::uint8_t>(i);
    id[1] = static_cast<std::uint8_t>(i >> 8);
    request.streams.emplace_back(id, stream_of("x"));
  }
  auto error = rejected(request);
  EXPECT_NE(error.message.find("Files has more than 1000 files"),
            std::string::npos)
    << error.message;
}

TEST(Hostile, ManyParametersAreRefused) {
  auto error = rejected(
    request_of("IFileTransferService", "UploadFile", [](document_writer& out) {
      for (int i = 0; i < 100'000; ++i)
        out.null(std::to_string(i));
    }));
  EXPECT_EQ(error.halibut_type, ambiguous_match_type);
}

TEST(Hostile, LongNamesAreCutInErrors) {
  halibut::rpc_request request;
  request.service = std::string(1'000'000, '\xFF');
  auto service = rejected(request);
  EXPECT_LT(service.message.size(), 1000u);
  request.service = "IFileTransferService";
  request.method = std::string(1'000'000, 'x');
  auto method = rejected(request);
  EXPECT_LT(method.message.size(), 1000u);
  EXPECT_EQ(method.halibut_type, method_not_found_type);
}

} // namespace cuttle::tentacle
