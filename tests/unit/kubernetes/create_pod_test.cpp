#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "infra/kubernetes/api_client.hpp"
#include "tests/unit/kubernetes/inbox.hpp"
#include "tests/unit/kubernetes/scripted_server.hpp"

using namespace cuttle;
using namespace cuttle::kubernetes;
using namespace cuttle::kubernetes::test;
using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

namespace {

json pod(std::string ticket = "T1", std::string task = "ServerTasks-1") {
  return {{"kind", "Pod"},
          {"metadata",
           {{"name", "p"},
            {"uid", "u1"},
            {"labels",
             {{"octopus.com/scriptTicketId", ticket},
              {"octopus.com/serverTaskId", task}}}}}};
}

outcome<pod_snapshot> create(api_client& client) {
  auto results = std::make_shared<inbox<outcome<pod_snapshot>>>();
  client.create_pod(pod().dump(), {{}, [results](outcome<pod_snapshot> x) {
                                     results->put(std::move(x));
                                   }});
  return results->take().value_or(
    fail(errc::deadline_exceeded, "No answer came."));
}

/// Answers POST and GET each in its own way; code 0 cuts the connection.
scripted_server::handler two(int post_code, int get_code, json found) {
  return [=](const seen_request& in, exchange& out) {
    auto code = in.method == "POST" ? post_code : get_code;
    if (code == 0)
      out.cut();
    else if (code < 300)
      out.respond(code, in.method == "POST" ? pod().dump() : found.dump());
    else
      out.respond(code, R"({"kind":"Status","message":"words"})");
  };
}

} // namespace

TEST(PodCreation, GivesThePodAsTheServerMadeIt) {
  scripted_server server{two(201, 500, {})};
  api_client client{server.where()};
  auto made = create(client);
  ASSERT_TRUE(made) << made.error().text;
  EXPECT_EQ(made->uid, "u1");
  auto seen = server.requests().at(0);
  EXPECT_EQ(seen.target, "/api/v1/namespaces/ns/pods");
  EXPECT_EQ(seen.headers["content-type"], "application/json");
  EXPECT_EQ(json::parse(seen.body), pod());
}

TEST(PodCreation, IsNotRepeatedAfterALostConnectionButLookedFor) {
  auto found = pod();
  found["metadata"]["labels"]["added-by"] = "webhook";
  scripted_server server{two(0, 200, found)};
  api_client client{server.where()};
  auto made = create(client);
  ASSERT_TRUE(made) << made.error().text;
  EXPECT_EQ(made->uid, "u1");
  // libcurl itself would repeat on an old connection only.
  EXPECT_EQ(server.count("POST"), 1);
  EXPECT_EQ(server.count("GET"), 1);
}

TEST(PodCreation, FailsWhenThePodOfALostRequestDoesNotTurnUp) {
  scripted_server server{two(0, 404, {})};
  api_client client{server.where()};
  auto made = create(client);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, errc::unavailable);
  EXPECT_THAT(made.error().text, HasSubstr("does not exist"));
  EXPECT_EQ(server.count("POST"), 1);
  EXPECT_GT(server.count("GET"), 1);
}

TEST(PodCreation, LooksOnceAfterAServerError) {
  scripted_server server{two(500, 404, {})};
  api_client client{server.where()};
  auto made = create(client);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, errc::unavailable);
  EXPECT_THAT(made.error().text, HasSubstr("Cannot create pod 'p': words."));
  EXPECT_EQ(server.count("POST"), 1);
  EXPECT_EQ(server.count("GET"), 1);
}

TEST(PodCreation, AcceptsAnExistingPodOnlyWithTheSameLabels_SVC18) {
  auto result = [](json found) {
    scripted_server server{two(409, 200, std::move(found))};
    api_client client{server.where()};
    auto made = create(client);
    EXPECT_EQ(server.count("POST"), 1);
    return made ? errc::none : made.error().code;
  };
  EXPECT_EQ(result(pod()), errc::none);
  EXPECT_EQ(result(pod("T2")), errc::conflict);
  EXPECT_EQ(result(pod("T1", "ServerTasks-2")), errc::conflict);
  auto deleting = pod();
  deleting["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  EXPECT_EQ(result(deleting), errc::conflict);
  auto bare = pod();
  bare["metadata"].erase("labels");
  EXPECT_EQ(result(bare), errc::conflict);
}

TEST(PodCreation, IsRefusedAtOnceWithTheServersWords) {
  for (auto code : {400, 403, 422}) {
    scripted_server server{two(code, 500, {})};
    api_client client{server.where()};
    auto made = create(client);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().text, "Cannot create pod 'p': words.");
    EXPECT_EQ(server.requests().size(), 1u);
  }
}

TEST(PodCreation, After429IsLeftToTheCallerWithTheTimeToWait) {
  for (auto named : {true, false}) {
    scripted_server server{[&](const seen_request&, exchange& out) {
      out.respond(429, R"({"kind":"Status","message":"words"})",
                  named ? "Retry-After: 7\r\n" : "");
    }};
    api_client client{server.where()};
    auto results = std::make_shared<inbox<creation_outcome>>();
    client.create_pod(pod().dump(), {{}, [results](creation_outcome x) {
                                       results->put(std::move(x));
                                     }});
    auto made = results->take();
    ASSERT_TRUE(made);
    ASSERT_FALSE(*made);
    EXPECT_EQ(made->error().code, errc::overloaded);
    EXPECT_EQ(made->error().text, "Cannot create pod 'p': words.");
    EXPECT_EQ(made->error().retry_after,
              named ? std::optional{7s} : std::nullopt);
    EXPECT_EQ(server.requests().size(), 1u);
  }
}

// Several creations at once want to count themselves in a quota.
TEST(PodCreation, ThatLosesARaceForAQuotaMayBeRepeated) {
  scripted_server server{[](const seen_request&, exchange& out) {
    out.respond(409, R"({"kind":"Status","message":"Operation cannot be )"
                     R"(fulfilled on resourcequotas \"q\": the object has )"
                     R"(been modified"})");
  }};
  api_client client{server.where()};
  auto made = create(client);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, errc::overloaded);
  EXPECT_EQ(server.requests().size(), 1u) << "there is no pod to look for";
}

TEST(PodCreation, IsRepeatedWhileNoConnectionCanBeMade) {
  auto port = free_port();
  inbox<bool> attempts;
  api_options options;
  options.on_call = [&](const api_call&) { attempts.put(true); };
  kubernetes::access where;
  where.server = "https://127.0.0.1:" + std::to_string(port);
  where.namespace_name = "ns";
  where.verify_server = false;
  inbox<outcome<pod_snapshot>> results;
  api_client client{where, options};
  client.create_pod(pod().dump(), {{}, [&](outcome<pod_snapshot> x) {
                                     results.put(std::move(x));
                                   }});
  attempts.take();
  attempts.take();
  scripted_server server{two(201, 500, {}), port};
  auto made = results.take();
  ASSERT_TRUE(made);
  EXPECT_TRUE(*made) << made->error().text;
  EXPECT_EQ(server.count("POST"), 1);
}

TEST(PodCreation, NeedsAName) {
  scripted_server server{two(201, 200, {})};
  api_client client{server.where()};
  inbox<outcome<pod_snapshot>> results;
  for (auto text : {"", "[]", "{\"metadata\":{}}", "{"})
    client.create_pod(
      text, {{}, [&](outcome<pod_snapshot> x) { results.put(std::move(x)); }});
  for (int i = 0; i < 4; ++i) {
    auto result = results.take();
    ASSERT_TRUE(result && !*result);
    EXPECT_EQ(result->error().code, errc::invalid_request);
  }
  EXPECT_TRUE(server.requests().empty());
}
