#include <gtest/gtest.h>

#include "documents.hpp"
#include "infra/tentacle/decode.hpp"
#include "infra/tentacle/errors.hpp"
#include "support.hpp"

namespace cuttle::tentacle {

namespace {

using namespace test;
using write_members = std::function<void(document_writer&)>;

constexpr auto scripts = "IKubernetesScriptServiceV1";
constexpr auto files = "IFileTransferService";

void write_ticket(document_writer& out) {
  out.document("ScriptTicket", [&] { out.text("TaskId", "T1"); });
}

halibut::rpc_request start_with(const write_members& write) {
  return request_with(scripts, "StartScript", [&](document_writer& out) {
    write_ticket(out);
    write(out);
  });
}

start_script started(const write_members& write) {
  auto call = decoded(start_with(write));
  auto* command = std::get_if<start_script>(&call);
  return command == nullptr ? start_script{} : *command;
}

std::string start_error(const write_members& write) {
  auto error = rejected(start_with(write));
  EXPECT_EQ(error.halibut_type, ambiguous_match_type);
  return error.message;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// A StartScript with one file whose contents `write` describes.
halibut::rpc_request with_contents(const halibut::guid& id,
                                   const write_members& write) {
  auto request = start_with([&](document_writer& out) {
    out.array("Files", [&] {
      out.document("0", [&] {
        out.text("Name", "a");
        out.document("Contents", [&] { write(out); });
      });
    });
  });
  request.streams.emplace_back(id, stream_of("x"));
  return request;
}

} // namespace

TEST(Decode, TakesTheDocumentsOfTheSpecification) {
  EXPECT_TRUE(std::holds_alternative<get_capabilities>(
    decoded(request_from(capabilities_request))));
  auto id = halibut::parse_guid("9a4b47b7-7463-4740-842e-eb1da0ade39b").value();
  auto upload = request_from(upload_request);
  upload.streams.emplace_back(id, stream_of(std::string(59, 'x')));
  auto file = std::get<upload_file>(decoded(upload));
  EXPECT_EQ(file.remote_path, "Files/foo.zip");
  EXPECT_EQ(file.contents, upload.streams[0].second);
  auto start = request_from(start_request);
  start.streams.emplace_back(id, stream_of(std::string(59, 'x')));
  auto command = std::get<start_script>(decoded(start));
  EXPECT_EQ(command.body(), "echo hi");
  EXPECT_EQ(command.isolation_timeout.count(), 2'147'483'647);
  ASSERT_EQ(command.files.size(), 1u);
  EXPECT_EQ(command.files[0].contents, start.streams[0].second);
  EXPECT_EQ(command.arguments, (std::vector<std::string>{"a1", "a 2"}));
  EXPECT_EQ(command.auth->project_slug, "proj");
  EXPECT_FALSE(command.auth->tenant_slug);
  EXPECT_EQ(command.platform, "linux-amd64");
}

TEST(Decode, ToleratesAbsentMembers_SVC11_HAL62) {
  auto command = started([](document_writer&) {});
  EXPECT_EQ(command.ticket.task_id, "T1");
  EXPECT_FALSE(command.raw);
  EXPECT_EQ(command.isolation, isolation_level::none);
  EXPECT_EQ(command.isolation_timeout.count(), 0);
  EXPECT_TRUE(command.files.empty());
  EXPECT_FALSE(command.calamari);
}

TEST(Decode, ToleratesNullWhereThePeerWritesIt_SVC11) {
  auto command = started([](document_writer& out) {
    for (auto name :
         {"ScriptBody", "TaskId", "IsolationMutexName", "PodImageConfiguration",
          "Scripts", "Files", "Arguments", "ScriptPodServiceAccountName",
          "AuthContext", "ScriptPodPlatform", "CalamariImageConfiguration"})
      out.null(name);
  });
  EXPECT_EQ(command.ticket.task_id, "T1");
  EXPECT_TRUE(command.arguments.empty());
}

TEST(Decode, IgnoresUnknownMembersAtEveryLevel_HAL63) {
  auto command = started([](document_writer& out) {
    out.document("Future", [&] { out.array("x", [&] { out.null("0"); }); });
    out.document("AuthContext", [&] {
      out.text("SpaceSlug", "s");
      out.array("Roles", [] {});
    });
    out.document("PodImageConfiguration", [&] {
      out.text("Image", "i");
      out.int64("Layers", 7);
    });
  });
  EXPECT_EQ(command.auth->space_slug, "s");
  EXPECT_EQ(command.image->image, "i");
}

TEST(Decode, MatchesMemberNamesInAnyCase_HAL68) {
  auto call
    = decoded(request_with(scripts, "GetStatus", [](document_writer& out) {
        out.document("sCRIPTtICKET", [&] { out.text("taskid", "T2"); });
        out.int64("LASTLOGSEQUENCE", 9);
      }));
  auto request = std::get<get_status>(call);
  EXPECT_EQ(request.ticket.task_id, "T2");
  EXPECT_EQ(request.last_sequence, 9);
}

TEST(Decode, MatchesMethodsInAnyCase) {
  EXPECT_TRUE(std::holds_alternative<complete_script>(
    decoded(request_with(scripts, "completescript", write_ticket))));
}

TEST(Decode, TreatsTypeNamesAsInformation_HAL67_HAL90) {
  for (auto type :
       {"", "Other.Type, Other",
        "System.Diagnostics.Process, System.Diagnostics.Process",
        "../../lib/libc.so.6", "cuttle::start_script",
        "Octopus.Tentacle.Contracts.KubernetesScriptServiceV1."
        "CompleteKubernetesScriptCommandV1, Octopus.Tentacle.Contracts, "
        "Version=9.2.0.0, Culture=neutral, PublicKeyToken=null"}) {
    auto request
      = request_with(scripts, "CompleteScript", [&](document_writer& out) {
          out.text("$type", type);
          write_ticket(out);
        });
    EXPECT_TRUE(std::holds_alternative<complete_script>(decoded(request)));
  }
}

TEST(Decode, PrefersTheBashBody_SVC12) {
  for (auto key : {"Bash", "bash", "1"}) {
    auto command = started([&](document_writer& out) {
      out.text("ScriptBody", "other");
      out.document("Scripts", [&] {
        out.text(key, "wanted");
        out.text("PowerShell", "no");
        out.text("0", "no");
      });
    });
    EXPECT_EQ(command.body(), "wanted") << key;
  }
}

TEST(Decode, TakesEveryKindOfWholeNumber_HAL59) {
  auto sequence = [](const write_members& write) {
    auto call
      = decoded(request_with(scripts, "GetStatus", [&](document_writer& out) {
          write_ticket(out);
          write(out);
        }));
    return std::get<get_status>(call).last_sequence;
  };
  EXPECT_EQ(sequence([](auto& out) { out.int32("LastLogSequence", 5); }), 5);
  EXPECT_EQ(sequence([](auto& out) { out.int64("LastLogSequence", 5); }), 5);
  EXPECT_EQ(sequence([](auto& out) { out.real("LastLogSequence", 5.0); }), 5);
  EXPECT_EQ(sequence([](auto& out) {
              out.int64("LastLogSequence", 9'223'372'036'854'775'807);
            }),
            9'223'372'036'854'775'807);
  EXPECT_EQ(sequence([](auto&) {}), 0);
}

TEST(Decode, RejectsNumbersThatAreNoCursor_SVC59) {
  auto message = [](const write_members& write) {
    return rejected(request_with(scripts, "GetStatus",
                                 [&](document_writer& out) {
                                   write_ticket(out);
                                   write(out);
                                 }))
      .message;
  };
  for (auto value : {0.5, 1e300, -1e300, 9223372036854775808.0,
                     std::numeric_limits<double>::quiet_NaN(),
                     std::numeric_limits<double>::infinity()})
    EXPECT_TRUE(
      contains(message([&](auto& out) { out.real("LastLogSequence", value); }),
               "LastLogSequence must be a whole number"))
      << value;
  EXPECT_TRUE(
    contains(message([](auto& out) { out.int64("LastLogSequence", -1); }),
             "LastLogSequence must not be negative"));
  EXPECT_TRUE(contains(message([](auto& out) { out.null("LastLogSequence"); }),
                       "LastLogSequence must be a number, not null"));
}

TEST(Decode, TakesEnumerationsAsNumberOrName_HAL59) {
  auto isolation
    = [](const write_members& write) { return started(write).isolation; };
  auto full = isolation_level::full;
  EXPECT_EQ(isolation([](auto& out) { out.int32("Isolation", 1); }), full);
  EXPECT_EQ(isolation([](auto& out) { out.int64("Isolation", 1); }), full);
  EXPECT_EQ(isolation([](auto& out) { out.text("Isolation", "1"); }), full);
  EXPECT_EQ(
    isolation([](auto& out) { out.text("Isolation", "FullIsolation"); }), full);
  EXPECT_EQ(
    isolation([](auto& out) { out.text("Isolation", "fullisolation"); }), full);
  EXPECT_TRUE(
    contains(start_error([](auto& out) { out.int32("Isolation", 2); }),
             "Isolation must be one of NoIsolation, FullIsolation"));
  EXPECT_TRUE(
    contains(start_error([](auto& out) { out.text("Isolation", "Full"); }),
             "Isolation must be one of"));
}

TEST(Decode, ReadsTheMutexTimeout_HAL61) {
  auto timeout = [](std::string_view text) {
    return started([&](document_writer& out) {
             out.text("ScriptIsolationMutexTimeout", text);
           })
      .isolation_timeout.count();
  };
  EXPECT_EQ(timeout("00:00:00"), 0);
  EXPECT_EQ(timeout("00:00:02"), 2000);
  EXPECT_EQ(timeout("24.20:31:23.6470000"), 2'147'483'647);
  // Less than a millisecond is not "no limit", .NET's infinite is.
  EXPECT_EQ(timeout("00:00:00.0000001"), 1);
  EXPECT_EQ(timeout("-00:00:00.0010000"), 0);
  EXPECT_TRUE(contains(start_error([](document_writer& out) {
                         out.text("ScriptIsolationMutexTimeout", "-00:00:02");
                       }),
                       "must not be negative"));
  EXPECT_TRUE(contains(start_error([](document_writer& out) {
                         out.text("ScriptIsolationMutexTimeout", "soon");
                       }),
                       "ScriptIsolationMutexTimeout must be a time span"));
}

TEST(Decode, LeavesArgumentsAlone_SVC14) {
  std::vector<std::string> arguments
    = {"",           "a b", "\"quoted\"", "$HOME",    "`id`",
       "line\nline", "'",   "\\",         "h\xC3\xA9"};
  auto command = started([&](document_writer& out) {
    out.list("Arguments", arguments,
             [&](const std::string& key, const std::string& value) {
               out.text(key, value);
             });
  });
  EXPECT_EQ(command.arguments, arguments);
}

TEST(Decode, RefusesAnArgumentThatNoProcessCanGet_SVC59) {
  EXPECT_TRUE(contains(start_error([](document_writer& out) {
                         out.array("Arguments", [&] {
                           out.text("0", std::string_view{"a\0b", 3});
                         });
                       }),
                       "Arguments/0 must not contain NUL"));
}

TEST(Decode, KeepsNulInsideOfAScript_HAL65) {
  std::string body{"a\0b", 3};
  EXPECT_EQ(started([&](document_writer& out) {
              out.text("ScriptBody", body);
            }).script_body,
            body);
}

TEST(Decode, FindsDataStreamsBySubtype_HAL58) {
  auto id = halibut::make_guid();
  for (int subtype : {4, 3, 0}) {
    auto request = with_contents(id, [&](document_writer& out) {
      out.binary("id", id, static_cast<bson_subtype_t>(subtype));
      out.int64("length", 1);
    });
    auto command = std::get<start_script>(decoded(request));
    ASSERT_EQ(command.files.size(), 1u);
    EXPECT_EQ(command.files[0].contents, request.streams[0].second);
  }
  auto as_text = with_contents(id, [&](document_writer& out) {
    out.int32("Length", 1);
    out.text("Id", halibut::to_string(id));
  });
  EXPECT_EQ(std::get<start_script>(decoded(as_text)).files[0].contents,
            as_text.streams[0].second);
}

TEST(Decode, RefusesPlaceholdersThatAreNone_SVC59) {
  auto id = halibut::make_guid();
  auto message = [&](const write_members& write) {
    return rejected(with_contents(id, write)).message;
  };
  EXPECT_TRUE(contains(message([](auto&) {}), "must be a data stream"));
  EXPECT_TRUE(contains(
    message([&](auto& out) { out.binary("id", id, BSON_SUBTYPE_MD5); }),
    "must be a guid of 16 bytes"));
  EXPECT_TRUE(contains(message([](auto& out) { out.text("id", "abc"); }),
                       "must be a guid"));
  EXPECT_TRUE(
    contains(message([](auto& out) { out.guid("id", halibut::make_guid()); }),
             "did not come with the request"));
  EXPECT_TRUE(contains(message([&](auto& out) {
                         out.guid("id", id);
                         out.text("length", "1");
                       }),
                       "length must be a number"));
}

TEST(Decode, NeverGivesOneStreamToTwoFiles) {
  auto id = halibut::make_guid();
  auto request = start_with([&](document_writer& out) {
    out.array("Files", [&] {
      for (auto key : {"0", "1"})
        out.document(key, [&] {
          out.text("Name", key);
          out.document("Contents", [&] {
            out.guid("id", id);
            out.int64("length", 1);
          });
        });
    });
  });
  request.streams.emplace_back(id, stream_of("x"));
  EXPECT_TRUE(contains(rejected(request).message, "Files/1/Contents refers"));
  request.streams.emplace_back(id, stream_of("x"));
  auto command = std::get<start_script>(decoded(request));
  EXPECT_NE(command.files[0].contents, command.files[1].contents);
}

TEST(Decode, RefusesAFileWithoutNameOrContents_SVC59) {
  EXPECT_TRUE(contains(start_error([](document_writer& out) {
                         out.array("Files", [&] {
                           out.document("0", [&] { out.text("Name", "a"); });
                         });
                       }),
                       "Files/0 must have Contents"));
  EXPECT_TRUE(contains(start_error([](document_writer& out) {
                         out.array("Files", [&] { out.document("0", [] {}); });
                       }),
                       "Files/0 must have a Name"));
}

TEST(Decode, RefusesACallWithoutTicket_SVC59) {
  for (auto method :
       {"StartScript", "GetStatus", "CancelScript", "CompleteScript"}) {
    auto none = rejected(request_with(scripts, method, [](auto&) {}));
    EXPECT_TRUE(contains(none.message, "ScriptTicket must have a TaskId"));
    auto null = rejected(request_with(scripts, method, [](auto& out) {
      out.document("ScriptTicket", [&] { out.null("TaskId"); });
    }));
    EXPECT_TRUE(contains(null.message, "ScriptTicket must have a TaskId"));
    auto text = rejected(request_with(
      scripts, method, [](auto& out) { out.text("ScriptTicket", "T1"); }));
    EXPECT_TRUE(
      contains(text.message, "ScriptTicket must be an object, not text"));
    EXPECT_EQ(text.halibut_type, ambiguous_match_type);
  }
}

TEST(Decode, CountsParameters_SVC59) {
  auto none = [](document_writer&) {};
  auto one = [](document_writer& out) { out.text("0", "a"); };
  auto two = [](document_writer& out) {
    out.text("0", "a");
    out.null("1");
  };
  auto three = [&](document_writer& out) {
    two(out);
    out.null("2");
  };
  auto capabilities = "ICapabilitiesServiceV2";
  EXPECT_EQ(
    rejected(request_of(capabilities, "GetCapabilities", one)).halibut_type,
    ambiguous_match_type);
  EXPECT_EQ(rejected(request_of(files, "UploadFile", one)).halibut_type,
            ambiguous_match_type);
  EXPECT_EQ(rejected(request_of(files, "UploadFile", three)).halibut_type,
            ambiguous_match_type);
  EXPECT_EQ(rejected(request_of(files, "DownloadFile", two)).halibut_type,
            ambiguous_match_type);
  EXPECT_EQ(rejected(request_of(scripts, "StartScript", none)).halibut_type,
            ambiguous_match_type);
  EXPECT_TRUE(std::holds_alternative<upload_file>(
    decoded(request_of(files, "UploadFile", two))));
}

TEST(Decode, TakesAbsentParametersAsNone) {
  halibut::rpc_request request;
  request.service = "ICapabilitiesServiceV2";
  request.method = "GetCapabilities";
  EXPECT_TRUE(std::holds_alternative<get_capabilities>(decoded(request)));
}

TEST(Decode, RefusesPathsThatAreNone_SVC59) {
  for (auto path : {std::string{}, std::string{"a\0b", 3}})
    EXPECT_EQ(rejected(request_of(files, "DownloadFile",
                                  [&](auto& out) { out.text("0", path); }))
                .halibut_type,
              ambiguous_match_type);
  EXPECT_EQ(rejected(request_of(files, "DownloadFile",
                                [&](auto& out) { out.null("0"); }))
              .halibut_type,
            ambiguous_match_type);
}

TEST(Decode, MakesTextValid_HAL64) {
  bson_t root;
  bson_t inner;
  bson_init(&root);
  BSON_APPEND_DOCUMENT_BEGIN(&root, "0", &inner);
  std::string bad(300, '\xFF');
  bson_append_utf8(&inner, "ScriptBody", -1, bad.data(), 300);
  bson_t ticket;
  BSON_APPEND_DOCUMENT_BEGIN(&inner, "ScriptTicket", &ticket);
  BSON_APPEND_UTF8(&ticket, "TaskId", "T");
  bson_append_document_end(&inner, &ticket);
  bson_append_document_end(&root, &inner);
  halibut::rpc_request request;
  request.service = scripts;
  request.method = "StartScript";
  auto* data = bson_get_data(&root);
  request.params.assign(data, data + root.len);
  bson_destroy(&root);
  auto command = std::get<start_script>(decoded(request));
  EXPECT_EQ(command.script_body.size(), 900u);
  EXPECT_EQ(command.script_body.substr(0, 3), "\xEF\xBF\xBD");
}

} // namespace cuttle::tentacle
