#include <gtest/gtest.h>

#include "infra/kubernetes/paths.hpp"
#include "infra/kubernetes/retry.hpp"

using namespace cuttle;
using namespace cuttle::kubernetes;
using namespace std::chrono_literals;
using kind = attempt::kind;

namespace {

attempt answered(int status, bool with_retry_after = false) {
  attempt result;
  result.status = status;
  if (with_retry_after)
    result.retry_after = 1s;
  return result;
}

attempt broken(kind how) {
  attempt result;
  result.how = how;
  return result;
}

} // namespace

TEST(RetryTable, RepeatsWhatMayBeRepeated) {
  auto how = repeatable::always;
  for (auto status : {408, 429, 500, 502, 503, 504})
    EXPECT_TRUE(worth_repeating(answered(status), how)) << status;
  for (auto status : {301, 400, 401, 403, 404, 405, 409, 410, 413, 422})
    EXPECT_FALSE(worth_repeating(answered(status), how)) << status;
  EXPECT_TRUE(worth_repeating(broken(kind::lost), how));
  EXPECT_TRUE(worth_repeating(broken(kind::not_received), how));
  EXPECT_FALSE(worth_repeating(broken(kind::misconfigured), how));
}

TEST(RetryTable, RepeatsACreationOnlyWhenTheServerDidNotActOnIt) {
  auto how = repeatable::unless_received;
  EXPECT_TRUE(worth_repeating(broken(kind::not_received), how));
  EXPECT_FALSE(worth_repeating(answered(429, true), how))
    << "all creations together slow down, see actors/creation_pace";
  EXPECT_FALSE(worth_repeating(answered(429), how));
  EXPECT_FALSE(worth_repeating(answered(503, true), how));
  EXPECT_FALSE(worth_repeating(answered(500), how));
  EXPECT_FALSE(worth_repeating(broken(kind::lost), how));
}

TEST(RetryTable, RepeatsNothingThatMustNot) {
  for (auto how : {kind::not_received, kind::lost, kind::misconfigured})
    EXPECT_FALSE(worth_repeating(broken(how), repeatable::never));
  EXPECT_FALSE(worth_repeating(answered(503), repeatable::never));
}

TEST(Backoff, GrowsToALimitWithJitter) {
  EXPECT_EQ(backoff_step(0), 100ms);
  EXPECT_EQ(backoff_step(1), 100ms);
  auto last = backoff_step(1);
  for (unsigned i = 2; i < 20; ++i) {
    EXPECT_GE(backoff_step(i), last);
    last = backoff_step(i);
  }
  EXPECT_EQ(last, 8s);
  EXPECT_EQ(backoff(100, 0), 4s);
  EXPECT_LT(backoff(100, 0.999999), 8s);
  EXPECT_GT(backoff(100, 0.999999), 7900ms);
}

TEST(Failures, CarryTheServersOwnMessage) {
  api_status said;
  said.message = "pods \"x\" is forbidden: exceeded quota";
  auto why = failure_of(answered(403), said, "create pod 'x'");
  EXPECT_EQ(why.code, errc::forbidden);
  EXPECT_EQ(why.text, "Cannot create pod 'x': pods \"x\" is forbidden: "
                      "exceeded quota.");
  why = failure_of(answered(502), {}, "read pod 'x'");
  EXPECT_EQ(why.code, errc::unavailable);
  EXPECT_EQ(why.text, "Cannot read pod 'x': The API server answered with "
                      "HTTP 502.");
}

TEST(Failures, AreOfTheClassThatACallerActsOn) {
  const std::pair<int, errc> table[]
    = {{301, errc::protocol_error},  {400, errc::invalid_request},
       {401, errc::forbidden},       {403, errc::forbidden},
       {404, errc::not_found},       {408, errc::unavailable},
       {409, errc::conflict},        {410, errc::not_found},
       {422, errc::invalid_request}, {429, errc::unavailable},
       {500, errc::unavailable},     {503, errc::unavailable}};
  for (auto& [status, code] : table)
    EXPECT_EQ(failure_of(answered(status), {}, "x").code, code) << status;
  EXPECT_EQ(failure_of(broken(kind::lost), {}, "x").code, errc::unavailable);
  EXPECT_EQ(failure_of(broken(kind::misconfigured), {}, "x").code,
            errc::forbidden);
}

TEST(Paths, EscapeWhatANameMayNotHold) {
  EXPECT_EQ(object_path("ns", "pods"), "/api/v1/namespaces/ns/pods");
  EXPECT_EQ(object_path("a/b", "pods", "../c?d#e f"),
            "/api/v1/namespaces/a%2Fb/pods/..%2Fc%3Fd%23e%20f");
}
