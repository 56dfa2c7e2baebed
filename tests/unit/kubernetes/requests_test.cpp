#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

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

constexpr auto pod_text
  = R"({"kind":"Pod","metadata":{"name":"p","uid":"u1"}})";

std::string status_text(int code, std::string reason, std::string message) {
  json body = {{"kind", "Status"},
               {"status", "Failure"},
               {"code", code},
               {"reason", reason},
               {"message", message}};
  return body.dump();
}

/// Asks for pod `p` and waits for the answer.
outcome<pod_snapshot> get(api_client& client) {
  auto results = std::make_shared<inbox<outcome<pod_snapshot>>>();
  client.get_pod(
    "p", [results](outcome<pod_snapshot> x) { results->put(std::move(x)); });
  return results->take().value_or(
    fail(errc::deadline_exceeded, "No answer came."));
}

/// Answers the n-th request with the n-th code, and later ones with the last.
scripted_server::handler codes(std::vector<int> list) {
  auto next = std::make_shared<std::atomic<size_t>>(0);
  return [list, next](const seen_request&, exchange& out) {
    auto code = list[std::min(next->fetch_add(1), list.size() - 1)];
    if (code == 0)
      out.cut();
    else if (code == 200)
      out.respond(200, pod_text);
    else
      out.respond(code, status_text(code, "Reason", "the API's words"));
  };
}

} // namespace

TEST(Requests, CarryTokenAndNoneOfItInThePath) {
  scripted_server server{codes({200})};
  api_client client{server.where()};
  auto pod = get(client);
  ASSERT_TRUE(pod) << pod.error().text;
  EXPECT_EQ(pod->uid, "u1");
  auto seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "GET");
  EXPECT_EQ(seen.target, "/api/v1/namespaces/ns/pods/p");
  EXPECT_EQ(seen.headers["authorization"], "Bearer secret-token");
}

TEST(Requests, AreRepeatedAfterServerErrorsAndLostConnections) {
  for (auto first : {500, 502, 503, 504, 408, 429, 0}) {
    scripted_server server{codes({first, 200})};
    std::atomic<int> calls{0};
    api_options options;
    options.on_call = [&](const api_call& call) {
      EXPECT_EQ(call.verb, "get");
      EXPECT_EQ(call.resource, "pods");
      EXPECT_EQ(call.name, "p");
      ++calls;
    };
    api_client client{server.where(), options};
    auto pod = get(client);
    EXPECT_TRUE(pod) << first << ": " << pod.error().text;
    EXPECT_EQ(calls, 2) << first;
  }
}

TEST(Requests, FailAtOnceWithTheServersWords) {
  const std::pair<int, errc> table[]
    = {{400, errc::invalid_request}, {403, errc::forbidden},
       {404, errc::not_found},       {409, errc::conflict},
       {413, errc::invalid_request}, {422, errc::invalid_request}};
  for (auto& [code, expected] : table) {
    scripted_server server{codes({code, 200})};
    api_client client{server.where()};
    auto pod = get(client);
    ASSERT_FALSE(pod);
    EXPECT_EQ(pod.error().code, expected) << code;
    EXPECT_EQ(pod.error().text, "Cannot read pod 'p': the API's words.");
    EXPECT_EQ(server.count("GET"), 1);
  }
}

TEST(Requests, ShowAnAnswerThatIsNoStatusObject) {
  scripted_server server{[](const seen_request&, exchange& out) {
    out.respond(403, "<html>\nno\n</html>");
  }};
  api_client client{server.where()};
  EXPECT_EQ(get(client).error().text,
            "Cannot read pod 'p': <html> no </html>.");
}

TEST(Requests, GiveUpWhenThePatienceIsOver) {
  scripted_server server{codes({503})};
  api_options options;
  options.patience = 400ms;
  api_client client{server.where(), options};
  auto pod = get(client);
  ASSERT_FALSE(pod);
  EXPECT_EQ(pod.error().code, errc::unavailable);
  EXPECT_THAT(pod.error().text, HasSubstr("the API's words. Gave up after"));
  EXPECT_GT(server.count("GET"), 1);
}

TEST(Requests, WaitAsLongAsRetryAfterSays) {
  std::mutex mutex;
  std::vector<std::chrono::steady_clock::time_point> times;
  scripted_server server{[&](const seen_request&, exchange& out) {
    std::lock_guard guard{mutex};
    times.push_back(std::chrono::steady_clock::now());
    if (times.size() == 1)
      out.respond(429, "", "Retry-After: 1\r\n");
    else
      out.respond(200, pod_text);
  }};
  api_client client{server.where()};
  EXPECT_TRUE(get(client));
  ASSERT_EQ(times.size(), 2u);
  EXPECT_GE(times[1] - times[0], 1s);
}

TEST(Requests, DoNotWaitForARetryAfterBeyondTheirPatience) {
  scripted_server server{[&](const seen_request&, exchange& out) {
    out.respond(503, "", "Retry-After: 3600\r\n");
  }};
  api_client client{server.where()};
  auto pod = get(client);
  ASSERT_FALSE(pod);
  EXPECT_EQ(pod.error().code, errc::unavailable);
  EXPECT_EQ(server.count("GET"), 1);
}

TEST(Requests, EndAnAttemptThatIsNotAnswered) {
  scripted_server server{
    [](const seen_request&, exchange& out) { out.wait_for_close(); }};
  api_options options;
  options.request_timeout = 100ms;
  options.patience = 400ms;
  api_client client{server.where(), options};
  auto pod = get(client);
  ASSERT_FALSE(pod);
  EXPECT_EQ(pod.error().code, errc::unavailable);
}

TEST(Requests, RefuseAnAnswerThatIsTooLarge) {
  scripted_server server{[](const seen_request&, exchange& out) {
    out.respond(200, std::string(5000, ' '));
  }};
  api_options options;
  options.body_bytes = 1000;
  api_client client{server.where(), options};
  auto pod = get(client);
  ASSERT_FALSE(pod);
  EXPECT_EQ(pod.error().code, errc::protocol_error);
  EXPECT_THAT(pod.error().text, HasSubstr("1000 bytes"));
}

TEST(Requests, RefuseAnAnswerThatIsNoPod) {
  scripted_server server{[](const seen_request&, exchange& out) {
    out.respond(200, R"({"metadata":)");
  }};
  api_client client{server.where()};
  EXPECT_EQ(get(client).error().code, errc::protocol_error);
}

TEST(Requests, TrustOnlyTheGivenCa) {
  scripted_server server{codes({200})};
  scripted_server other{codes({200})};
  auto where = server.where();
  where.ca_pem = other.where().ca_pem;
  api_client client{where};
  auto pod = get(client);
  ASSERT_FALSE(pod);
  EXPECT_EQ(pod.error().code, errc::forbidden);
  EXPECT_EQ(server.count("GET"), 0);
  where.verify_server = false;
  api_client careless{where};
  EXPECT_TRUE(get(careless));
}

TEST(Requests, AreBoundedInFlightAndInTheQueue) {
  std::atomic<int> now{0};
  std::atomic<int> most{0};
  inbox<bool> gate;
  scripted_server server{[&](const seen_request&, exchange& out) {
    auto n = ++now;
    for (auto old = most.load(); n > old;)
      if (most.compare_exchange_weak(old, n))
        break;
    gate.take();
    --now;
    out.respond(200, pod_text);
  }};
  inbox<outcome<pod_snapshot>> results;
  api_options options;
  options.in_flight = 2;
  options.queue = 6;
  api_client client{server.where(), options};
  for (int i = 0; i < 10; ++i)
    client.get_pod("p",
                   [&](outcome<pod_snapshot> x) { results.put(std::move(x)); });
  for (int i = 0; i < 2; ++i) {
    auto refused = results.take();
    ASSERT_TRUE(refused && !*refused);
    EXPECT_EQ(refused->error().code, errc::overloaded);
    EXPECT_THAT(refused->error().text, HasSubstr("8"));
  }
  for (int i = 0; i < 8; ++i)
    gate.put(true);
  for (int i = 0; i < 8; ++i) {
    auto result = results.take();
    ASSERT_TRUE(result);
    EXPECT_TRUE(*result);
  }
  EXPECT_LE(most, 2);
}

TEST(Requests, DoNotWaitInTheQueueBeyondTheirPatience) {
  scripted_server server{
    [](const seen_request&, exchange& out) { out.wait_for_close(); }};
  api_options options;
  options.in_flight = 1;
  options.request_timeout = 300ms;
  options.patience = 100ms;
  inbox<outcome<pod_snapshot>> results;
  api_client client{server.where(), options};
  for (int i = 0; i < 3; ++i)
    client.get_pod("p",
                   [&](outcome<pod_snapshot> x) { results.put(std::move(x)); });
  std::vector<errc> codes;
  for (int i = 0; i < 3; ++i) {
    auto result = results.take();
    ASSERT_TRUE(result && !*result);
    codes.push_back(result->error().code);
  }
  EXPECT_THAT(codes,
              testing::ElementsAre(errc::unavailable, errc::deadline_exceeded,
                                   errc::deadline_exceeded));
  EXPECT_EQ(server.count("GET"), 1);
}

TEST(Requests, AreSilentOnceCancelled) {
  inbox<bool> arrived;
  inbox<outcome<pod_snapshot>> results;
  std::atomic<bool> hold{true};
  scripted_server server{[&](const seen_request&, exchange& out) {
    if (hold) {
      arrived.put(true);
      out.wait_for_close();
      arrived.put(false);
    } else {
      out.respond(200, pod_text);
    }
  }};
  api_options options;
  options.in_flight = 1;
  api_client client{server.where(), options};
  auto put = [&](outcome<pod_snapshot> x) { results.put(std::move(x)); };
  auto id = client.get_pod("p", put);
  auto waiting = client.get_pod("p", put);
  ASSERT_EQ(arrived.take(), true);
  hold = false;
  client.cancel(id);
  client.cancel(waiting);
  client.cancel(waiting);
  client.cancel(12345);
  // The connection is closed, and the place is free for the next one.
  EXPECT_EQ(arrived.take(), false);
  EXPECT_TRUE(get(client));
  EXPECT_TRUE(results.empty());
}

TEST(Requests, SurviveACallbackThatThrows) {
  scripted_server server{codes({200})};
  api_client client{server.where()};
  client.get_pod("p", [](outcome<pod_snapshot>) { throw 1; });
  EXPECT_TRUE(get(client));
}

TEST(Requests, MayBeMadeAndCancelledInsideACallback) {
  scripted_server server{codes({200})};
  inbox<bool> done;
  api_client client{server.where()};
  client.get_pod("p", [&](outcome<pod_snapshot>) {
    auto doomed
      = client.get_pod("p", [&](outcome<pod_snapshot>) { done.put(false); });
    client.cancel(doomed);
    client.get_pod("p",
                   [&](outcome<pod_snapshot> x) { done.put(x.has_value()); });
  });
  EXPECT_EQ(done.take(), true);
  EXPECT_TRUE(done.empty());
}

TEST(Requests, EndWithTheClient) {
  inbox<bool> arrived;
  std::atomic<int> calls{0};
  scripted_server server{[&](const seen_request&, exchange& out) {
    arrived.put(true);
    out.wait_for_close();
  }};
  {
    api_client client{server.where()};
    for (int i = 0; i < 5; ++i)
      client.get_pod("p", [&](outcome<pod_snapshot>) { ++calls; });
    arrived.take();
  }
  EXPECT_EQ(calls, 0);
}

TEST(Deletion, OfAPodThatIsGoneIsASuccess_RPC12) {
  for (auto code : {200, 202, 404}) {
    scripted_server server{codes({code})};
    api_client client{server.where()};
    inbox<outcome<void>> results;
    client.delete_pod("p", "u1", 0s,
                      [&](outcome<void> x) { results.put(std::move(x)); });
    auto result = results.take();
    ASSERT_TRUE(result);
    EXPECT_TRUE(*result);
    auto seen = server.requests().at(0);
    EXPECT_EQ(seen.method, "DELETE");
    auto body = json::parse(seen.body);
    EXPECT_EQ(body["gracePeriodSeconds"], 0);
    EXPECT_EQ(body["preconditions"]["uid"], "u1");
  }
}

TEST(Deletion, LeavesGraceAndPreconditionOutWhenNotGiven_RPC13) {
  scripted_server server{codes({200})};
  api_client client{server.where()};
  inbox<outcome<void>> results;
  client.delete_pod("p", "", {},
                    [&](outcome<void> x) { results.put(std::move(x)); });
  ASSERT_TRUE(results.take());
  auto body = json::parse(server.requests().at(0).body);
  EXPECT_FALSE(body.contains("gracePeriodSeconds"));
  EXPECT_FALSE(body.contains("preconditions"));
}

TEST(Deletion, OfAnotherPodOfThatNameIsASuccess) {
  scripted_server server{[](const seen_request&, exchange& out) {
    out.respond(409, status_text(409, "Conflict",
                                 "Precondition failed: UID in precondition: "
                                 "a, UID in object meta: b"));
  }};
  api_client client{server.where()};
  inbox<outcome<void>> results;
  client.delete_pod("p", "a", {},
                    [&](outcome<void> x) { results.put(std::move(x)); });
  auto result = results.take();
  ASSERT_TRUE(result);
  EXPECT_TRUE(*result);
}

TEST(Patches, AreMergePatchesWithNullForRemoval_CFG07) {
  scripted_server server{[](const seen_request& in, exchange& out) {
    out.respond(200, in.target.find("secrets") != std::string::npos
                       ? R"({"metadata":{"name":"x"},"data":{"a":"AAE="}})"
                       : R"({"metadata":{"name":"x"},"data":{"a":"1"}})");
  }};
  api_client client{server.where()};
  inbox<outcome<stored_map>> results;
  auto put = [&](outcome<stored_map> x) { results.put(std::move(x)); };
  client.patch_config_map("x", {{"a", "1"}, {"b", std::nullopt}}, put);
  auto map = results.take();
  ASSERT_TRUE(map && *map);
  EXPECT_EQ((*map)->data["a"], "1");
  client.patch_secret("x", {{"a", std::string("\0\1", 2)}},
                      owner_reference{"c", "uid-1"}, put);
  map = results.take();
  ASSERT_TRUE(map && *map);
  EXPECT_EQ((*map)->data["a"], std::string("\0\1", 2));
  auto seen = server.requests();
  EXPECT_EQ(seen[0].method, "PATCH");
  EXPECT_EQ(seen[0].headers["content-type"], "application/merge-patch+json");
  EXPECT_EQ(json::parse(seen[0].body),
            json::parse(R"({"data":{"a":"1","b":null}})"));
  EXPECT_EQ(json::parse(seen[1].body), json::parse(R"({"data":{"a":"AAE="},
    "metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap",
                                    "name":"c","uid":"uid-1"}]}})"));
}

TEST(RawRequests, AreNotRepeatedAndGiveTheBody) {
  scripted_server server{codes({503, 200})};
  api_client client{server.where()};
  inbox<outcome<std::string>> results;
  auto put = [&](outcome<std::string> x) { results.put(std::move(x)); };
  client.raw("GET", "/apis", "", put);
  auto result = results.take();
  ASSERT_TRUE(result && !*result);
  EXPECT_EQ(result->error().code, errc::unavailable);
  client.raw("POST", "/apis", "{}", put);
  result = results.take();
  ASSERT_TRUE(result && *result);
  EXPECT_EQ(**result, pod_text);
  EXPECT_EQ(server.requests()[1].body, "{}");
}
